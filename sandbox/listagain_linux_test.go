package sandbox_test

import (
	"fmt"
	"os"
	"testing"
)

// A listing that is read again keeps nobody waiting for ever, whatever comes and goes in
// its folder meanwhile.
func TestListingAgainWaitsForNobody(t *testing.T) {
	w := newWorld(t).allow("project").deny("project/.env")
	k := talkTo(t, w.spec("perl", "-e", `$| = 1; chdir "$ENV{HOME}/project" or die; opendir(my $dir, ".") or die; my $child = fork;
		if (!$child) { my $gate = (stat ".")[0]; for (my $i = 0; ; $i++) { mkdir "d$i"; for (1 .. 100) { last if (stat "d$i")[0] != $gate } rename "d$i", "e$i"; rmdir "e$i" } }
		my $count = 0;
		while (<STDIN>) { for (1 .. 50) { rewinddir $dir; my @names = readdir $dir; $count++ } print "$count\n" }
		kill 9, $child; wait`), start)
	for i := range 100 {
		for j := range 5 {
			w.write(fmt.Sprintf("project/new-%d-%d/file", i, j), "")
		}
		if got := k.say("again"); got != fmt.Sprint(50*(i+1)) {
			t.Fatal(got)
		}
		for j := range 5 {
			if err := os.RemoveAll(w.path(fmt.Sprintf("project/new-%d-%d", i, j))); err != nil {
				t.Fatal(err)
			}
		}
	}
	k.end()
}
