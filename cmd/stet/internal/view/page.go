package view

import (
	"fmt"
	"image/color"
	"io"
	"strings"
	"sync"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"
)

// Page is where text for people goes: a writer with its colours. Several
// goroutines may print on it; what one Print prints stays together.
type Page struct {
	mu      sync.Mutex
	w       io.Writer
	profile colorprofile.Profile
	err     error
	// document is where results were written last: told once, at the end.
	document string
	fleet    fleet
}

// NewPage makes a page of w. Colours are used on a terminal, unless noColor is
// set or the environment says otherwise (NO_COLOR, CLICOLOR, CLICOLOR_FORCE,
// TERM=dumb). The terminal itself is never asked anything.
func NewPage(w io.Writer, environ []string, noColor bool) *Page {
	return &Page{w: w, profile: profile(w, environ, noColor)}
}

func profile(w io.Writer, environ []string, noColor bool) colorprofile.Profile {
	forced := false
	for _, entry := range environ {
		key, value, _ := strings.Cut(entry, "=")
		switch {
		case key == "NO_COLOR" && value != "":
			return colorprofile.NoTTY
		case key == "CLICOLOR_FORCE" && value != "" && value != "0":
			forced = true
		}
	}
	if noColor || (!forced && !Terminal(w)) {
		return colorprofile.NoTTY
	}
	return colorprofile.Env(environ)
}

// Print prints the text, colours removed where they are not wanted. Of what could
// play with the terminal only the palette of this package gets there, whoever wrote
// the text. An error of the writer ends nothing, what happened is in the journal: see
// Err.
func (p *Page) Print(text string) {
	p.write(&colorprofile.Writer{Forward: p.w, Profile: p.profile}, visible(text, palette))
}

// Verbatim prints the text byte by byte as it is: a document, YAML, JSON.
func (p *Page) Verbatim(text string) {
	p.write(p.w, text)
}

func (p *Page) write(w io.Writer, text string) {
	if text == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := io.WriteString(w, text); err != nil && p.err == nil {
		p.err = fmt.Errorf("writing output: %w", err)
	}
}

// Err is the first error of writing.
func (p *Page) Err() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

func (p *Page) wrote(document string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.document = document
}

func (p *Page) wroteLine() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.document == "" {
		return ""
	}
	return label("wrote", faint) + p.document + "\n"
}

// The colours are the terminal's own sixteen, so that they fit its theme.
func paint(c color.Color, s string) string {
	if s == "" {
		return s
	}
	return lipgloss.NewStyle().Foreground(c).Inline(true).Render(s)
}

func green(s string) string  { return paint(lipgloss.Green, s) }
func red(s string) string    { return paint(lipgloss.Red, s) }
func yellow(s string) string { return paint(lipgloss.Yellow, s) }
func cyan(s string) string   { return paint(lipgloss.Cyan, s) }

func bold(s string) string  { return lipgloss.NewStyle().Bold(true).Inline(true).Render(s) }
func faint(s string) string { return lipgloss.NewStyle().Faint(true).Inline(true).Render(s) }
