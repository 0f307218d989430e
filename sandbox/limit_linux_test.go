package sandbox_test

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"openclaw/sandbox"
)

// max_file_size holds against every way to make a file larger, in a folder that
// is bound natively and in one that the gate serves, and each is reported.
func TestLimitEverywhere(t *testing.T) {
	const limit = 4096
	most := int64(limit)
	for _, dir := range []string{"project/src", "project"} {
		w := newWorld(t).allow("project").deny("project/.env")
		w.perms.MaxFileSize = &most
		w.write("project/src/x", "")
		w.write(dir+"/grown", strings.Repeat("x", 3*limit)) // by somebody outside
		commands := []string{
			`dd if=/dev/zero of=write bs=8192 count=1 status=none`,
			`dd if=/dev/zero of=far bs=1 count=1 seek=1000000 conv=notrunc status=none`,
			`truncate -s 8192 sparse`,
			`fallocate -l 8192 allocated`,
			`: > behind; fallocate -n -l 8192 behind`,
			`head -c 4096 /dev/zero > inserted; fallocate -i -o 0 -l 4096 inserted`,
			`dd if=/dev/zero of=grown bs=10 count=1 oflag=append conv=notrunc status=none`,
			`perl -e 'open F, ">", "mapped"; truncate F, 4096; truncate F, 4097'`,
		}
		spec := w.spec("sh", "-c", "cd ~/"+dir+`; for c in "$@"; do sh -c "$c"; done; trap '' XFSZ; dd if=/dev/zero of=ignored bs=8192 count=1 status=none; : > small; fallocate -n -l 4096 small && fallocate -p -o 0 -l 8192 small && echo fine > small; cat small`, "sh")
		spec.Command = append(spec.Command, commands...)
		_, wait := start(t, spec)
		res := wait()
		for _, name := range []string{"write", "far", "sparse", "allocated", "behind", "inserted", "mapped", "ignored"} {
			info, err := os.Stat(w.path(dir + "/" + name))
			if err != nil {
				continue
			}
			if taken := info.Sys().(*syscall.Stat_t).Blocks * 512; info.Size() > limit || taken > limit {
				t.Errorf("%s/%s has %d bytes and takes %d", dir, name, info.Size(), taken)
			}
		}
		if info, err := os.Stat(w.path(dir + "/grown")); err != nil || info.Size() != 3*limit {
			t.Errorf("%s: what was too large already is now %v %v", dir, info, err)
		}
		told, full := 0, 0
		for _, d := range res.denials {
			switch {
			case d.Rule != "max_file_size" || d.Origin.Key == "":
			case d.Operation == "outgrow": // "ignored", and "inserted" before the range
				full += d.Count
			default:
				told += d.Count
			}
		}
		calls, cut := len(commands), 2
		if !sandbox.ExitsAreRead() { // of who was ended by SIGXFSZ nobody hears, but of "write" and "grown", which are full
			calls, cut = calls-3, cut+2
		}
		if told != calls || full != cut || res.out != "fine\n" {
			t.Errorf("%s: %d of %d were reported; out %q, err %q, %+v", dir, told, len(commands), res.out, res.err, res.denials)
		}
	}
}

// A file that somebody outside has made larger than max_file_size meanwhile is not
// made larger still by who has it open to append, though the cage's kernel has the
// size of before.
func TestLimitOfAFileThatGrewOutside(t *testing.T) {
	const limit = 4096
	most := int64(limit)
	for _, denied := range []string{"other", "project/.env"} { // bound natively, and served
		w := newWorld(t).allow("project").deny(denied)
		w.perms.MaxFileSize = &most
		w.write("project/log", "begun\n")
		spec := w.spec("sh", "-c", `cd ~/project; trap '' XFSZ; exec 3>>log; echo open; read go; echo more >&3; echo more >&3; true`)
		in, tell, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		said, out, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		spec.Stdin, spec.Stdout = in, out
		_, wait := start(t, spec)
		_ = in.Close()
		buffer := make([]byte, 16)
		if n, err := said.Read(buffer); err != nil || string(buffer[:n]) != "open\n" {
			t.Errorf("said %q %v", buffer[:n], err)
		}
		if err := os.WriteFile(w.path("project/log"), make([]byte, 2*limit), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := tell.WriteString("go\n"); err != nil {
			t.Fatal(err)
		}
		res := wait()
		_, _ = tell.Close(), said.Close()
		if info, err := os.Stat(w.path("project/log")); err != nil || info.Size() != 2*limit {
			t.Errorf("%s denied: the file is %v %v; err %q", denied, info, err, res.err)
		}
	}
}
