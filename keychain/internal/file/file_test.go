//go:build unix

package file

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

func TestReadPrivateRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("value"), mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(write("target", 0o600), link); err != nil {
		t.Fatal(err)
	}
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		path string
		want error
	}{
		"owner only":       {write("good", 0o600), nil},
		"read only":        {write("ro", 0o400), nil},
		"readable group":   {write("group", 0o640), ErrMode},
		"readable others":  {write("others", 0o604), ErrMode},
		"writable others":  {write("write", 0o602), ErrMode},
		"symbolic link":    {link, ErrLink},
		"folder":           {dir, ErrNotRegular},
		"FIFO, no waiting": {fifo, ErrNotRegular},
		"missing":          {filepath.Join(dir, "none"), os.ErrNotExist},
		"device":           {"/dev/null", ErrNotRegular},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			data, err := ReadPrivate(test.path, 5)
			if !errors.Is(err, test.want) || (test.want == nil && string(data) != "value") {
				t.Fatalf("got %q, %v", data, err)
			}
		})
	}
	if _, err := ReadPrivate(write("good", 0o600), 4); !errors.Is(err, ErrTooBig) {
		t.Fatalf("got %v", err)
	}
	if os.Getuid() == 0 {
		path := write("foreign", 0o600)
		if err := os.Chown(path, 65534, -1); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadPrivate(path, 5); !errors.Is(err, ErrOwner) {
			t.Fatalf("someone else's file: %v", err)
		}
	}
}

// TestReadTrusted: others may read, a link may lead there, and nobody else may write.
func TestReadTrusted(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("value"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	linked := func(target string) string {
		if err := os.Symlink(target, target+"-link"); err != nil {
			t.Fatal(err)
		}
		return target + "-link"
	}
	for name, test := range map[string]struct {
		path string
		want error
	}{
		"owner only":      {write("good", 0o600), nil},
		"readable":        {write("read", 0o644), nil},
		"link":            {linked(write("target", 0o644)), nil},
		"link to a wrong": {linked(write("loose", 0o622)), ErrWriter},
		"writable group":  {write("group", 0o620), ErrWriter},
		"writable others": {write("others", 0o602), ErrWriter},
		"folder":          {dir, ErrNotRegular},
		"missing":         {filepath.Join(dir, "none"), os.ErrNotExist},
	} {
		t.Run(name, func(t *testing.T) {
			data, err := ReadTrusted(test.path, 5)
			if !errors.Is(err, test.want) || (test.want == nil && string(data) != "value") {
				t.Fatalf("got %q, %v", data, err)
			}
		})
	}
	if os.Getuid() == 0 {
		path := write("foreign", 0o600)
		if err := os.Chown(path, 65534, -1); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadTrusted(path, 5); !errors.Is(err, ErrOwner) {
			t.Fatalf("someone else's file: %v", err)
		}
	}
}

func TestReplaceKeepsThePrevious(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for _, content := range []string{"one", "two", "three"} {
		if err := Replace(path, path+".previous", []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{path: "three", path + ".previous": "two"} {
		if got, err := os.ReadFile(name); err != nil || string(got) != want {
			t.Fatalf("%s: %q %v", name, got, err)
		}
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("%s: %v %v", name, info.Mode(), err)
		}
	}
	leftover := path + temporary + "x"
	if err := os.WriteFile(leftover, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	RemoveLeftovers(path)
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 2 {
		t.Fatalf("left: %v %v", entries, err)
	}
}

func TestLockExcludes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	var group sync.WaitGroup
	var inside, count atomic.Int64
	for range 20 {
		group.Go(func() {
			release, err := Acquire(t.Context(), path)
			if err != nil {
				t.Error(err)
				return
			}
			defer release()
			if inside.Add(1) != 1 {
				t.Error("two hold the lock")
			}
			count.Add(1)
			inside.Add(-1)
		})
	}
	group.Wait()
	release, err := Acquire(t.Context(), path)
	if err != nil || count.Load() != 20 {
		t.Fatalf("%d %v", count.Load(), err)
	}
	defer release()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Acquire(ctx, path); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
}

// A credential is read where the service manager put it, and nowhere that somebody
// else could have.
func TestReadCredential(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("value"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return name
	}
	if err := os.Symlink(write("target", 0o400), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		name string
		want error
	}{
		"as systemd writes it": {write("good", 0o400), nil},
		"readable others":      {write("others", 0o404), ErrMode},
		"writable group":       {write("group", 0o420), ErrMode},
		"link":                 {"link", ErrLink},
		"folder":               {".", ErrNotRegular},
		"missing":              {"none", os.ErrNotExist},
	}
	foreign := write("foreign", 0o400)
	group := write("readable", 0o440)
	if os.Getuid() == 0 {
		if err := os.Chown(filepath.Join(dir, foreign), 65534, -1); err != nil {
			t.Fatal(err)
		}
		tests["someone else's"] = struct {
			name string
			want error
		}{foreign, ErrOwner}
	}
	tests["readable group, and one's own"] = struct {
		name string
		want error
	}{group, ErrMode}
	for name, test := range tests {
		data, err := ReadCredential(dir, test.name, 5)
		if !errors.Is(err, test.want) || (test.want == nil && string(data) != "value") {
			t.Errorf("%s: got %q, %v", name, data, err)
		}
	}
	if err := os.Chmod(dir, 0o770); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadCredential(dir, "good", 5); !errors.Is(err, ErrLooseFolder) || !Unsafe(err) {
		t.Errorf("a folder that a group may write to: %v", err)
	}
}
