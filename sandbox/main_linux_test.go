package sandbox_test

import (
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"openclaw/sandbox"
)

// The test program is also the inside of a cage, and a supervisor that tests
// kill.
func TestMain(m *testing.M) {
	if handled, code := sandbox.RunStage(os.Args); handled {
		os.Exit(code)
	}
	if name := os.Getenv(withoutVariable); name != "" && os.Args[0] == "/proc/self/exe" {
		if err := lack(name); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	if name := os.Getenv(tryVariable); name != "" {
		os.Exit(tried(name))
	}
	if dir := os.Getenv(filesVariable); dir != "" {
		fmt.Println(strings.Join(doFiles(dir), "\n"))
		os.Exit(0)
	}
	if os.Getenv(exhaustVariable) != "" {
		fmt.Println(exhaust())
		_, _ = os.Stdin.Read(make([]byte, 1))
		os.Exit(0)
	}
	if dir := os.Getenv(socketsVariable); dir != "" {
		fmt.Println(strings.Join(doSockets(dir), "\n"))
		os.Exit(0)
	}
	if home := os.Getenv(supervisorVariable); home != "" {
		os.Exit(superviseForTest(home))
	}
	heedKeys()
	os.Exit(m.Run())
}

// heedKeys has what the tests start heed the keys and the end of a terminal, also
// when the tests themselves were started in the background (by a script's &) or by
// nohup: what is ignored stays so in every program that is started.
func heedKeys() {
	for _, sent := range []os.Signal{syscall.SIGINT, syscall.SIGHUP} {
		if signal.Ignored(sent) {
			signal.Notify(make(chan os.Signal, 1), sent)
		}
	}
}
