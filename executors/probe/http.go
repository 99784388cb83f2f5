package probe

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"stet/executors"
)

// httpMaxBody bounds what is kept of an answer's body.
const httpMaxBody = 64 << 10

// http makes one request. Redirects are answers, not followed; proxies of the
// environment are not used: the question is what this place reaches.
func (at Options) http(ctx context.Context, p executors.HTTP) (*executors.ProbeReply, error) {
	u, err := url.Parse(p.URL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return nil, fmt.Errorf("reading the URL %q: it must be http://… or https://…", p.URL)
	}
	ctx, cancel := within(ctx, p.Timeout, 5*time.Second)
	defer cancel()
	method := p.Method
	if method == "" {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, method, p.URL, nil)
	if err != nil {
		return nil, fmt.Errorf("making the request: %w", err)
	}
	for k, v := range p.Header {
		if strings.EqualFold(k, "host") {
			req.Host = v
			continue
		}
		req.Header.Set(k, v)
	}
	start := time.Now()
	resp, err := at.client(p.Insecure).Do(req)
	if err != nil {
		return no(err, map[string]any{"status": 0, "body": "", "headers": map[string]any{}, "time": milliseconds(time.Since(start))}), nil
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, httpMaxBody))
	if cerr := resp.Body.Close(); err == nil {
		err = cerr
	}
	headers := map[string]any{}
	for k, v := range resp.Header {
		headers[strings.ToLower(k)] = strings.Join(v, ", ")
	}
	r := &executors.ProbeReply{OK: err == nil && resp.StatusCode < 400, Values: map[string]any{
		"status": resp.StatusCode, "body": strings.ToValidUTF8(string(body), "\uFFFD"),
		"headers": headers, "time": milliseconds(time.Since(start)),
	}}
	if err != nil {
		r.Error = err.Error()
	} else if !r.OK {
		r.Error = "the server answered " + resp.Status
	}
	return r, nil
}

func (at Options) client(insecure bool) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				return at.dial(ctx, network, address, "")
			},
			DisableKeepAlives: true,
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: insecure}, //nolint:gosec // the author asks for it by name
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
