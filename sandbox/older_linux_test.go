package sandbox_test

import (
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"

	"openclaw/sandbox"
)

// Where Landlock has no scopes yet, as on Debian 12, the namespaces hold what
// they would: no process outside can be signalled, no abstract socket reached.
// Nothing else is lost, and the report says which it is.
func TestOlderLandlock(t *testing.T) {
	for version, scopes := range map[int]bool{2: false, 5: false, 6: true} {
		t.Run(strconv.Itoa(version), func(t *testing.T) {
			w := newWorld(t)
			name := "@openclaw-older-" + strconv.Itoa(os.Getpid()) + "-" + strconv.Itoa(version)
			listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", name)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = listener.Close() }()
			cage, err := sandbox.New(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			spec := w.spec("sh", "-c", "kill -0 "+strconv.Itoa(os.Getpid())+" && echo signalled; "+
				"python3 -c 'import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(\"\\0\"+sys.argv[1])' "+name[1:]+" && echo connected; true")
			read, write, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = read.Close() }()
			spec.Stdout = write
			process, err := cage.UpToLandlock(version).Start(t.Context(), spec)
			_ = write.Close()
			if err != nil {
				t.Fatal(err)
			}
			out, err := io.ReadAll(read)
			if err != nil {
				t.Fatal(err)
			}
			if status, err := process.Wait(); err != nil || status.Code != 0 {
				t.Errorf("%+v %v", status, err)
			}
			if text := string(out); strings.Contains(text, "signalled") || strings.Contains(text, "connected") {
				t.Error(text)
			}
			found := false
			for _, m := range process.Report().Mechanisms {
				if m.Name != "landlock scopes" {
					continue
				}
				found = strings.Contains(m.Detail, "Landlock version "+strconv.Itoa(version)) && strings.Contains(m.Detail, "by the cage's namespaces alone") != scopes
				if !found {
					t.Errorf("%+v", m)
				}
			}
			if !found {
				t.Error("the report does not say which")
			}
		})
	}
}

func TestOlderLandlockAsOrdinaryUser(t *testing.T) { ordinary(t, "^TestOlderLandlock$") }
