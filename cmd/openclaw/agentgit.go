package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"openclaw/configs"
	"openclaw/sandbox/policy"
)

// Bounds of the look for repositories: how deep below an allowed folder, and how many
// folders' entries in all. A person's projects lie one or two folders below.
const (
	repositoryDepth   = 2
	repositoryEntries = 5000
)

// writableRepositories are the repositories in and below an agent's folders whose hooks
// or config it may write. Git runs what these name outside any cage, as the person. The
// look is bounded, and says whether it saw everything within its depth.
func writableRepositories(p *policy.Policy) (found []string, whole bool) {
	left := repositoryEntries
	for i := range p.Paths {
		if rule := &p.Paths[i]; rule.Effect == policy.Allow && rule.Access == policy.AccessWrite && !rule.Glob && !rule.System {
			found = repositoriesBelow(p, rule.Path, repositoryDepth, &left, found)
		}
	}
	slices.Sort(found)
	return slices.Compact(found), left > 0
}

func repositoriesBelow(p *policy.Policy, folder string, depth int, left *int, found []string) []string {
	git := filepath.Join(folder, ".git")
	if info, err := os.Lstat(git); err == nil && info.IsDir() {
		for _, name := range []string{"hooks", "config"} {
			if p.Decide(policy.Request{Class: policy.ClassPathWrite, Path: filepath.Join(git, name)}).Effect == policy.Allow {
				return append(found, git) // one within it is its submodule's, or no project of the person's
			}
		}
		return found
	}
	if depth == 0 || *left <= 0 {
		return found
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return found // what the person cannot read is no project of theirs
	}
	*left -= len(entries)
	for _, entry := range entries {
		if entry.Type()&fs.ModeType == fs.ModeDir {
			found = repositoriesBelow(p, filepath.Join(folder, entry.Name()), depth-1, left, found)
		}
	}
	return found
}

// showRepositories names what git would run for an agent outside its cage.
func (t *terminal) showRepositories(p *policy.Policy) {
	found, whole := writableRepositories(p)
	if len(found) == 0 {
		return
	}
	many := fmt.Sprintf("%d repositories whose", len(found))
	if len(found) == 1 {
		many = "a repository whose"
	}
	if !whole {
		many = "at least " + many
	}
	t.print("git        %s hooks or config it may write: git runs what they name outside the cage, as you:", many)
	const shown = 5
	for _, git := range found[:min(len(found), shown)] {
		t.print("  %s", printable(git))
	}
	if len(found) > shown {
		t.print("  and %d more", len(found)-shown)
	}
	first := configs.WrittenPath(found[0], t.getenv("HOME"))
	t.print("           close them with lines in its allowed_paths:")
	for _, name := range []string{"hooks", "config"} {
		t.print("  - {path: %q, access: read}", first+"/"+name)
	}
}
