package egress_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/network"
)

// The variables that tell a re-executed test binary what to be.
const (
	roleVariable    = "OPENCLAW_EGRESS_TEST_ROLE"
	optionsVariable = "OPENCLAW_EGRESS_TEST_OPTIONS"
)

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(roleVariable) {
	case "":
		os.Exit(m.Run())
	case "ordinary user":
		err = intoNamespace()
	case "bare":
		err = runBare()
	default:
		err = runCaged()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// intoNamespace is what an ordinary user does: it starts the child in
// namespaces of its own.
func intoNamespace() error {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), roleVariable+"=caged")
	cmd.Stderr = os.Stderr
	cmd.ExtraFiles = []*os.File{os.NewFile(3, "parent")}
	cmd.SysProcAttr = namespaces()
	return cmd.Run()
}

// runBare does one thing in this machine's own network and tells the outcome.
func runBare() error {
	var a attempt
	if err := json.Unmarshal([]byte(os.Getenv(optionsVariable)), &a); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(a.run())
}

// attempt is one thing that the child does.
type attempt struct {
	Do     string // get, curl, lookup, ask, ask stream, tcp, udp, held, many, download
	Target string
	Server string // of ask
	Name   string // of get: the Host and server name instead of the target's; of many: the name
	Count  int    // of many
}

// outcome is what it got: the text of a reply, or "error: " and the error.
type outcome struct {
	Text    string
	Bytes   int64
	Took    time.Duration
	Missing string // why it could not be tried here
}

// runCaged is the child: it builds the network of the namespace that it was
// born in, hands the sockets out and does what it is told.
func runCaged() error {
	var o network.Options
	if err := json.Unmarshal([]byte(os.Getenv(optionsVariable)), &o); err != nil {
		return err
	}
	parent := os.NewFile(3, "parent")
	sockets, err := network.Setup(o)
	if err != nil {
		return err
	}
	var fds []int
	for _, file := range sockets.Files() {
		fds = append(fds, int(file.Fd()))
	}
	if err := unix.Sendmsg(int(parent.Fd()), []byte{1}, unix.UnixRights(fds...), nil, 0); err != nil {
		return err
	}
	sockets.Close()
	decoder, encoder := json.NewDecoder(parent), json.NewEncoder(parent)
	for {
		var a attempt
		if err := decoder.Decode(&a); err != nil {
			return nil //nolint:nilerr // the parent closed: the end
		}
		if err := encoder.Encode(a.run()); err != nil {
			return err
		}
	}
}

func (a attempt) run() outcome {
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	var got outcome
	var err error
	switch a.Do {
	case "get":
		got.Text, err = a.get(ctx)
	case "curl":
		if _, missing := exec.LookPath("/usr/bin/curl"); missing != nil {
			return outcome{Missing: "no curl on this machine"}
		}
		var out bytes.Buffer
		cmd := exec.CommandContext(ctx, "/usr/bin/curl", "-sS", "--noproxy", "*", a.Target)
		cmd.Stdout, cmd.Stderr = &out, &out
		_ = cmd.Run()
		got.Text = out.String()
	case "lookup":
		var found []string
		found, err = resolver("udp", "127.0.0.1:53").LookupHost(ctx, a.Target+".")
		got.Text = strings.Join(found, " ")
	case "ask", "ask stream":
		family := map[string]string{"ask": "udp", "ask stream": "tcp"}[a.Do]
		var found []string
		found, err = resolver(family, a.Server).LookupHost(ctx, a.Target+".")
		got.Text = strings.Join(found, " ")
	case "tcp", "udp":
		got.Text, err = a.send(ctx)
	case "held":
		got.Text, err = a.held(ctx)
	case "many":
		got.Text, err = a.many(ctx)
	case "download":
		began := time.Now()
		got.Bytes, err = a.download(ctx)
		got.Took = time.Since(began)
	}
	if err != nil {
		got.Text = "error: " + err.Error()
	}
	return got
}

func resolver(family, server string) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, family, server)
	}}
}

func dialer() *net.Dialer { return &net.Dialer{Resolver: resolver("udp", "127.0.0.1:53")} }

func (a attempt) client() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: dialer().DialContext, DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{ServerName: a.Name, InsecureSkipVerify: true},
	}}
}

func (a attempt) get(ctx context.Context) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, a.Target, nil)
	if err != nil {
		return "", err
	}
	r.Host = a.Name
	reply, err := a.client().Do(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = reply.Body.Close() }()
	body, err := io.ReadAll(reply.Body)
	return string(body), err
}

func (a attempt) send(ctx context.Context) (string, error) {
	conn, err := dialer().DialContext(ctx, a.Do, a.Target)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return "", err
	}
	if _, err := conn.Write([]byte("\x00openclaw")); err != nil {
		return "", err
	}
	buffer := make([]byte, 64)
	n, err := conn.Read(buffer)
	return string(buffer[:n]), err
}

// held opens a connection, exchanges bytes, and waits for its end.
func (a attempt) held(ctx context.Context) (string, error) {
	conn, err := dialer().DialContext(ctx, "tcp", a.Target)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		return "", err
	}
	if _, err := conn.Write([]byte{0}); err != nil {
		return "", err
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		return "", fmt.Errorf("before it was held: %w", err)
	}
	if _, err := conn.Write([]byte{0}); err != nil {
		return "", err
	}
	_, err = conn.Read(make([]byte, 1))
	return "", err
}

// many opens Count connections at once and holds those that are carried; it
// tells how many there were.
func (a attempt) many(ctx context.Context) (string, error) {
	addresses, err := resolver("udp", "127.0.0.1:53").LookupHost(ctx, a.Name+".")
	if err != nil {
		return "", err
	}
	target := net.JoinHostPort(addresses[0], a.Target)
	var carried atomic.Int64
	var opening sync.WaitGroup
	release := make(chan struct{})
	var holding sync.WaitGroup
	places := make(chan struct{}, 64)
	for range a.Count {
		places <- struct{}{}
		opening.Add(1)
		holding.Go(func() {
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", target)
			if err == nil {
				defer func() { _ = conn.Close() }()
				_ = conn.SetDeadline(time.Now().Add(60 * time.Second))
				if _, err = conn.Write([]byte{0}); err == nil {
					_, err = conn.Read(make([]byte, 1))
				}
			}
			if err == nil {
				carried.Add(1)
			}
			<-places
			opening.Done()
			if err == nil {
				<-release
			}
		})
	}
	opening.Wait()
	close(release)
	holding.Wait()
	return strconv.FormatInt(carried.Load(), 10), nil
}

func (a attempt) download(ctx context.Context) (int64, error) {
	conn, err := dialer().DialContext(ctx, "tcp", a.Target)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte{0}); err != nil {
		return 0, err
	}
	buffer := make([]byte, 256<<10)
	total := int64(0)
	for {
		n, err := conn.Read(buffer)
		total += int64(n)
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}
