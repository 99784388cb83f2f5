package redact

import (
	"encoding/base64"
	"strings"
	"testing"
)

// base64(1) and PEM break their lines wherever they are full: also within the
// secret of a file that is encoded as a whole.
func TestSecretAcrossLinesOfBase64(t *testing.T) {
	for _, secret := range []string{"hunter22", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", strings.Repeat("0123456789abcdef", 8)} {
		r := redactor(t, map[string]string{"s": secret})
		for _, width := range []int{64, 76} {
			for before := range 120 {
				file := strings.Repeat("x", before) + secret + strings.Repeat("y", 50)
				text := wrap(base64.StdEncoding.EncodeToString([]byte(file)), width, "\n")
				got := r.String(text)
				if !strings.Contains(got, "[redacted:s]") {
					t.Fatalf("%d bytes of secret, %d before, lines of %d: survives in\n%s", len(secret), before, width, got)
				}
			}
		}
	}
}
