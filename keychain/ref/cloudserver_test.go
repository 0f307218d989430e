package ref

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"syscall"
	"testing"
)

// cloudStandIn is what the stand-ins of the clouds share: the server, a lock for their
// state, how often each thing was asked, and what no cloud would take.
type cloudStandIn struct {
	*httptest.Server

	mu    sync.Mutex
	asked map[string]int
	wrong []string
}

// serve starts the server. Whatever was wrong with a request fails the test when
// it ends.
func (s *cloudStandIn) serve(t *testing.T, cloud string, handler http.Handler) {
	t.Helper()
	s.asked = map[string]int{}
	s.Server = httptest.NewServer(handler)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, text := range s.wrong {
			t.Error("a request that " + cloud + " would not take: " + text)
		}
	})
}

// note counts that something was asked, and says how often by now.
func (s *cloudStandIn) note(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked[what]++
	return s.asked[what]
}

func (s *cloudStandIn) count(what string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[what]
}

func (s *cloudStandIn) fault(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wrong = append(s.wrong, fmt.Sprintf(format, args...))
}

// layFile writes a file that may be executed at once: a child that another test starts
// meanwhile has this process's descriptors until it executes, and a file that somebody
// may write cannot be executed.
func layFile(path, text string, mode os.FileMode) error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	return os.WriteFile(path, []byte(text), mode)
}
