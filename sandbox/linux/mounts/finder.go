//go:build linux

package mounts

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/policy"
)

// finder knows in which of the host's folders a file is found by more names than
// the one that is listed. It looks at each folder once, and believes what it sees
// more than what a file system is called. It is not safe for concurrent use.
type finder struct {
	mounts []mounted
	known  map[string]string // folder → what shows it; "" when a name is one file's alone
}

func newFinder() (*finder, error) {
	table, err := mountTable()
	return &finder{mounts: table, known: map[string]string{}}, err
}

// held fails where a name in a folder does not stand for one file alone.
func (f *finder) held(dir string, rule *policy.PathRule) error {
	shown, known := f.known[dir]
	if !known {
		shown = f.find(dir)
		f.known[dir] = shown
	}
	if shown == "" {
		return nil
	}
	what := "is denied"
	if rule.Effect == policy.Allow {
		what = "can only be read"
	}
	return fmt.Errorf("%s %s, which no name holds in %s: %w (%s)", rule.Path, what, dir, ErrOtherNames, shown)
}

// between is held for the folders from top down to the one that a path lies in.
func (f *finder) between(top, name string, rule *policy.PathRule) error {
	for at := name; at != top && at != "/"; {
		at = parent(at)
		if err := f.held(at, rule); err != nil {
			return err
		}
	}
	return nil
}

// automounter is the file system whose names a program mounts when they are looked up:
// one that is not there may take it seconds, and case counts.
const automounter = "autofs"

// caseFold is FS_CASEFOLD_FL of linux/fs.h: a folder of ext4, f2fs or tmpfs has it.
const caseFold = 0x40000000

func (f *finder) find(dir string) string {
	own := f.mountOf(dir)
	if shown := own.otherNames(); shown != "" {
		return shown
	}
	if own.kind == automounter {
		return ""
	}
	folder, err := openFolder(dir)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return f.byItsOwn(dir, own)
	case err != nil:
		return "" // there is nothing in it
	}
	defer folder.Close()
	for {
		entries, err := folder.ReadDir(64)
		for _, entry := range entries {
			if shown, settled := tryName(dir, entry.Name()); settled {
				return shown
			}
		}
		if err != nil {
			break
		}
	}
	if flags, err := unix.IoctlGetInt(int(folder.Fd()), unix.FS_IOC_GETFLAGS); err == nil && flags&caseFold != 0 {
		return "upper and lower case are the same"
	}
	// The flag tells all, or it takes an option when the file system is made: there a
	// folder without a single letter is believed. On others it is not: what is shared
	// with another system (9p, virtiofs, FUSE) is as that system is.
	usual := []string{"ext2", "ext3", "ext4", "f2fs", "tmpfs", "btrfs", "xfs", "zfs", "bcachefs", "overlay", "ecryptfs", "nfs", "nfs4"}
	if slices.Contains(usual, own.kind) {
		return ""
	}
	return f.byItsOwn(dir, own)
}

// openFolder opens what may be a folder no more, or a link to who knows what: to open a
// pipe would be to wait for a writer for ever.
func openFolder(name string) (*os.File, error) {
	for {
		fd, err := unix.Open(name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err == nil {
			return os.NewFile(uintptr(fd), name), nil
		}
		if !errors.Is(err, unix.EINTR) {
			return nil, err
		}
	}
}

// byItsOwn judges a folder in which there is nothing to try by its own name.
func (f *finder) byItsOwn(dir string, own mounted) string {
	if dir == own.at || dir == "/" {
		return "whether upper and lower case are the same on " + own.kind + " is not known: there is no file in it yet"
	}
	if shown, settled := tryName(parent(dir), path.Base(dir)); settled {
		return shown
	}
	if _, known := f.known[parent(dir)]; !known {
		f.known[parent(dir)] = f.find(parent(dir))
	}
	return f.known[parent(dir)]
}

// tryName looks for a file by another name. It settles nothing where the name has
// no case, where it has gone, or where both names are listed.
func tryName(dir, name string) (shown string, settled bool) {
	other, ok := otherCase(name)
	if !ok {
		return "", false
	}
	if _, err := os.Lstat(dir + "/" + other); errors.Is(err, fs.ErrNotExist) {
		_, err := os.Lstat(dir + "/" + name)
		return "", err == nil
	} else if err != nil {
		return "", false
	}
	if lists(dir, other) {
		return "", false
	}
	return other + " is found, and " + name + " is listed", true
}

// otherCase turns the case of each letter; ok says that there is one.
func otherCase(name string) (other string, ok bool) {
	const bit = 'a' - 'A'
	turned := []byte(name)
	for i, c := range turned {
		if 'a' <= c|bit && c|bit <= 'z' {
			turned[i], ok = c^bit, true
		}
	}
	return string(turned), ok
}

// mountOf is the mount that a path lies on.
func (f *finder) mountOf(name string) mounted {
	var own mounted
	for _, m := range f.mounts {
		if under(name, m.at) && len(m.at) >= len(own.at) { // of two at one place the later is on top
			own = m
		}
	}
	return own
}

// otherNames says, of file systems that are made for other systems, by which other
// names a file is found there, also where case counts: short names (SECRET~1), and
// names with a dot or a blank at the end.
func (m mounted) otherNames() string {
	kinds := []string{
		"msdos", "vfat", "exfat", "ntfs", "ntfs3", "fuseblk", "fuse.ntfs-3g", "fuse.exfat", "cifs", "smb3", "smbfs", "fuse.smbnetfs",
		"hfs", "hfsplus", "hpfs", "affs", "drvfs", "vboxsf", "vmhgfs", "fuse.vmhgfs-fuse", "prl_fs", "fuse.prl_fsd",
	}
	switch {
	case slices.Contains(kinds, m.kind):
		return m.kind + " has short names, or takes upper and lower case for the same"
	case strings.HasPrefix(m.source, "drvfs"), strings.Contains(m.options, "aname=drvfs"):
		return "it is a drive of Windows, which takes upper and lower case for the same"
	}
	return ""
}

// passed is what a walk through many folders learns on its way: the first name of a
// folder that has no other spelling settles it.
type passed struct {
	finder *finder
	open   []string // folders that nothing has settled so far
}

// pass sees a name. The folder that it lies in was seen before.
func (l *passed) pass(name string) {
	dir := parent(name)
	if _, known := l.finder.known[dir]; known {
		return
	}
	if shown, settled := tryName(dir, path.Base(name)); settled {
		l.finder.known[dir] = shown
	}
}

// held is finder.held for the folders of the walk, and for what is mounted in them.
func (l *passed) held(open func(name string) bool, start string, rule *policy.PathRule) error {
	folders := l.open
	for _, m := range l.finder.mounts {
		if shown := m.otherNames(); shown != "" && under(m.at, start) && open(m.at) {
			l.finder.known[m.at] = shown
			folders = append(folders, m.at)
		}
	}
	for _, dir := range folders {
		if err := l.finder.held(dir, rule); err != nil {
			return err
		}
	}
	return nil
}
