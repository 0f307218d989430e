package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"gopkg.in/yaml.v3"

	"openclaw/configs"
	"openclaw/gateway/auth"
	"openclaw/gateway/provider/standin"
)

// knownClient is an agent program that agent run sets up.
type knownClient struct {
	program string
	args    []string // of one short question
	path    string   // of the request by which its provider is asked
}

func knownClients() []knownClient {
	const question = "Answer with the one word: hello"
	return []knownClient{
		{"claude", []string{"-p", question}, "/v1/messages"},
		{"codex", []string{"exec", "--skip-git-repo-check", question}, "/v1/responses"},
		{"gemini", []string{"--skip-trust", "-m", "gemini-2.5-flash", "-p", question}, "/v1beta/models/"},
		{"opencode", []string{"run", "-m", "anthropic/claude-sonnet-4-5", question}, "/v1/messages"},
	}
}

// clientTime bounds one client's question; the first start of one may take long.
const clientTime = 2 * time.Minute

// clientResult is what became of one client's question.
type clientResult struct {
	Client  string `json:"client"`
	Program string `json:"program"`
	OK      bool   `json:"ok"`
	Detail  string `json:"detail"`
}

func doctorClientsCommand(t *terminal) *cobra.Command {
	var asJSON bool
	var agent string
	cmd := &cobra.Command{
		Use: "clients", Short: "Prove for each known client on PATH that it reaches a model through the gateway", Args: exactly(0),
		Long: "Run each known client that is on PATH (claude, codex, gemini, opencode) in a cage with one short\n" +
			"question, through a gateway. Without --agent that is a gateway of its own, with a stand-in for the\n" +
			"providers: nothing leaves this machine, no key is used and nothing is paid. With --agent it is your\n" +
			"gateway, that agent's cage and the configured providers: each question costs what it costs.",
		Example: "  openclaw doctor clients\n  openclaw doctor clients --agent coder",
		RunE: func(cmd *cobra.Command, _ []string) error {
			results, err := t.proveClients(cmd.Context(), agent)
			if err != nil {
				return err
			}
			if asJSON {
				if err := t.json(results); err != nil {
					return err
				}
			} else {
				t.printClients(results)
			}
			for _, r := range results {
				if !r.OK {
					return &failure{err: errors.New("a client does not reach a model"), hint: "openclaw denials shows what its cage refused; openclaw logs what its calls met"}
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	cmd.Flags().StringVar(&agent, "agent", "", "ask the configured providers, as this agent")
	_ = cmd.RegisterFlagCompletionFunc("agent", t.completeAgents) // the flag is there
	return cmd
}

func (t *terminal) printClients(results []clientResult) {
	if len(results) == 0 {
		t.print("no known client is on PATH: claude, codex, gemini, opencode")
	}
	for _, r := range results {
		mark := "✓"
		if !r.OK {
			mark = "✗"
		}
		t.print("%s %-9s %s", mark, r.Client, printable(t.masked(r.Detail)))
	}
}

// proveClients asks one question with each client that there is.
func (t *terminal) proveClients(ctx context.Context, agent string) ([]clientResult, error) {
	results := []clientResult{}
	for _, client := range knownClients() {
		path, err := t.lookPath(client.program)
		if err != nil {
			continue
		}
		result := clientResult{Client: client.program, Program: path}
		if agent == "" {
			result.Detail, err = t.proveWithStandin(ctx, client, path)
		} else {
			result.Detail, err = t.proveLive(ctx, client, path, agent)
		}
		if result.OK = err == nil; err != nil {
			result.Detail = err.Error()
		}
		results = append(results, result)
	}
	return results, nil
}

// lookPath finds a program on the PATH of this terminal.
func (t *terminal) lookPath(program string) (string, error) {
	for _, dir := range filepath.SplitList(t.getenv("PATH")) {
		path := filepath.Join(dir, program)
		if info, err := os.Stat(path); filepath.IsAbs(dir) && err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", exec.ErrNotFound
}

// proveLive asks through the person's own gateway.
func (t *terminal) proveLive(ctx context.Context, client knownClient, path, agent string) (string, error) {
	out, err := t.itself(ctx, t.environ, append([]string{"agent", "run", agent, "--", path}, client.args...)...)
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(out) == "" {
		return "", errors.New("it ended well and printed nothing")
	}
	return "answered in the cage of " + agent + ": " + lastLine(out), nil
}

// proveWithStandin asks through a gateway in a state folder that lives as long as
// the question. The key and the token are of this question alone.
func (t *terminal) proveWithStandin(ctx context.Context, client knownClient, path string) (detail string, err error) {
	root, err := os.MkdirTemp("", "openclaw-doctor-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(root)
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	models := standin.New()
	server := &http.Server{Handler: models, ReadHeaderTimeout: time.Minute}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // until Close
	}()
	defer func() {
		_ = server.Close() // nothing is lost
		<-served
	}()
	config, err := doctorConfig("http://"+listener.Addr().String(), path, t)
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(root, "config.yaml"), config, 0o600); err != nil {
		return "", err
	}
	key := "sk-standin-" + strings.TrimPrefix(auth.GenerateToken(), auth.GatewayPrefix)
	environ := slices.DeleteFunc(slices.Clone(t.environ), func(entry string) bool { return strings.HasPrefix(entry, "OPENCLAW_") })
	environ = append(environ, "OPENCLAW_HOME="+root, "DOCTOR_KEY="+key, "DOCTOR_TOKEN="+auth.GenerateToken())
	defer func() {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		if _, stopErr := t.itself(stopping, environ, "gateway", "stop"); stopErr != nil && err == nil {
			err = fmt.Errorf("its gateway did not stop: %w", stopErr)
		}
	}()
	out, err := t.itself(ctx, environ, append([]string{"agent", "run", "doctor", "--", path}, client.args...)...)
	if err != nil {
		return "", err
	}
	for _, r := range models.Requests() {
		if r.Method != http.MethodPost || !strings.HasPrefix(r.Path, client.path) {
			continue
		}
		if problem := carried(r.Header, key); problem != "" {
			return "", errors.New(problem)
		}
		if !strings.Contains(out, standin.Text) {
			return "", errors.New("its question arrived, and it did not print the answer: " + lastLine(out))
		}
		return "in a cage, POST " + r.Path + " reached the stand-in with the provider's key, and the answer came back", nil
	}
	return "", errors.New("it ended well and asked nothing of a provider: " + lastLine(out))
}

// carried says what is wrong with the credentials of a request.
func carried(header http.Header, key string) string {
	keys := 0
	for _, values := range header {
		for _, value := range values {
			keys += strings.Count(value, key)
			if strings.Contains(value, auth.AgentPrefix) {
				return "its token reached the provider"
			}
		}
	}
	if keys != 1 {
		return fmt.Sprintf("the provider's key arrived %d times", keys)
	}
	return ""
}

// doctorConfig is a config whose providers are all at base, with one agent that
// may read where the program is.
func doctorConfig(base, program string, t *terminal) ([]byte, error) {
	port, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it is closed at once
	if err != nil {
		return nil, err
	}
	number := port.Addr().(*net.TCPAddr).Port
	port.Close()
	type object = map[string]any
	providers := object{}
	for _, name := range configs.KnownProviders() {
		providers[name] = object{"base_url": base, "api_key": "${DOCTOR_KEY}"}
	}
	paths := []object{}
	for _, dir := range t.programFolders(program) {
		paths = append(paths, object{"path": dir, "access": "read"})
	}
	return yaml.Marshal(object{
		"gateway":   object{"port": number, "gateway_token": "${DOCTOR_TOKEN}"},
		"providers": providers,
		"agents":    object{"doctor": object{"permissions": object{"network_access": false, "allowed_paths": paths}}},
	})
}

// programFolders are the folders that a program of npm, or of an installer of its
// own, needs beside the system's: where its link is, where it leads, and where
// node is.
func (t *terminal) programFolders(program string) []string {
	programs := []string{program}
	if node, err := t.lookPath("node"); err == nil {
		programs = append(programs, node)
	}
	var dirs []string
	for _, path := range programs {
		dirs = append(dirs, filepath.Dir(path))
		real, err := filepath.EvalSymlinks(path)
		if err != nil {
			continue
		}
		if before, _, found := strings.Cut(real, "/node_modules/"); found {
			dirs = append(dirs, before+"/node_modules")
			continue
		}
		dirs = append(dirs, filepath.Dir(real))
	}
	slices.Sort(dirs)
	return slices.Compact(dirs)
}

// itself runs this program with a command line and gives what it printed.
func (t *terminal) itself(ctx context.Context, environ []string, args ...string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, clientTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Env = environ
	// Asked to end, it ends its cage; killed, its cage would end with it all the same.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	err = cmd.Run()
	switch {
	case ctx.Err() != nil:
		return out.String(), fmt.Errorf("it did not end within %s: %s", clientTime, lastLine(out.String()+problems.String()))
	case err != nil:
		return out.String(), fmt.Errorf("%w: %s", err, lastLine(out.String()+problems.String()))
	}
	return out.String(), nil
}

// lastLine is the end of what a program said, short.
func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	last := strings.TrimSpace(lines[len(lines)-1])
	if len(last) > 200 {
		last = strings.ToValidUTF8(last[:200], "") + "…"
	}
	return last
}
