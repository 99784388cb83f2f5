package probe

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"stet/executors"
)

const (
	// httpMaxBody bounds what is kept of an answer's body, httpMaxHead what is
	// read before it.
	httpMaxBody = 64 << 10
	httpMaxHead = 1 << 20
)

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
	if password, _ := u.User.Password(); u.User != nil && req.Header.Get("Authorization") == "" {
		req.SetBasicAuth(u.User.Username(), password)
	}
	start := time.Now()
	resp, err := at.request(req, p.Insecure)
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

// request makes one on a connection of its own, which ends with the answer's
// body. The library's Transport does more than that, none of which is
// wanted here, and is a tenth of an agent.
func (at Options) request(req *http.Request, insecure bool) (*http.Response, error) {
	ctx := req.Context()
	conn, err := at.connect(ctx, req.URL, insecure)
	if err != nil {
		return nil, whyEnded(ctx, err)
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	end := func() error {
		stop()
		return conn.Close()
	}
	req.Close = true
	resp, err := answer(conn, req)
	if err != nil {
		return nil, whyEnded(ctx, errors.Join(err, end()))
	}
	resp.Body = &lastBody{resp.Body, ctx, end}
	return resp, nil
}

// connect dials the host of a URL, and speaks TLS where the URL asks for it.
func (at Options) connect(ctx context.Context, u *url.URL, insecure bool) (net.Conn, error) {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	conn, err := at.dial(ctx, "tcp", net.JoinHostPort(u.Hostname(), port), "")
	if err != nil || u.Scheme == "http" {
		return conn, err
	}
	secure := tls.Client(conn, &tls.Config{ServerName: u.Hostname(), InsecureSkipVerify: insecure}) //nolint:gosec // the author asks for it by name
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

// answer writes a request and reads its answer. Those before it (1xx) are not
// the one, RFC 9110, section 15.2.
func answer(conn net.Conn, req *http.Request) (*http.Response, error) {
	if err := req.Write(conn); err != nil {
		return nil, err
	}
	head := &io.LimitedReader{R: conn, N: httpMaxHead}
	r := bufio.NewReader(head)
	for {
		resp, err := http.ReadResponse(r, req)
		switch {
		case err != nil && head.N <= 0:
			return nil, fmt.Errorf("the answer's head has more than %d bytes", httpMaxHead)
		case err != nil:
			return nil, err
		case resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols:
			head.N = math.MaxInt64
			return resp, nil
		}
	}
}

// whyEnded is the end of the context, where that is why.
func whyEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// lastBody ends the connection with the body.
type lastBody struct {
	io.ReadCloser
	ctx context.Context //nolint:containedctx // that of the request
	end func() error
}

func (b *lastBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = whyEnded(b.ctx, err)
	}
	return n, err
}

// Close does not read the rest of the body first: it may have no end.
func (b *lastBody) Close() error { return b.end() }
