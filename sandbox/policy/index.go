package policy

import "strings"

// Index answers what Policy.Opens answers, for who asks of hundreds of paths: it looks
// only at the rules that name a path or a folder above it, and at the patterns. It is safe
// for concurrent use, and holds for as long as the policy's Paths stay as they are.
type Index struct {
	rules    []PathRule
	named    map[string][]int // the rules that name a path, by their place
	patterns []int
}

// Index makes an index of what the policy says now.
func (p *Policy) Index() *Index {
	x := &Index{rules: p.Paths, named: make(map[string][]int, len(p.Paths))}
	for i := range x.rules {
		if rule := &x.rules[i]; rule.Glob {
			x.patterns = append(x.patterns, i)
		} else {
			x.named[rule.Path] = append(x.named[rule.Path], i)
		}
	}
	return x
}

// Opens is Policy.Opens.
func (x *Index) Opens(name string) Access {
	if !cleanPath(name) {
		return ""
	}
	s := speakers{rules: x.rules, name: name}
	s.hear(x.named["/"])
	for end := 1; end < len(name); {
		next := strings.IndexByte(name[end:], '/')
		if next < 0 {
			end = len(name)
		} else {
			end += next
		}
		s.hear(x.named[name[:end]])
		end++
	}
	s.hear(x.patterns)
	return opened(s.deny, s.allow)
}

// speakers are the rules that speak for a path; see Policy.speaking. Which of several that
// deny it is no matter here.
type speakers struct {
	rules []PathRule
	name  string
	deny  *PathRule
	allow *PathRule
	at    int // the place of allow
}

func (s *speakers) hear(which []int) {
	for _, i := range which {
		rule := &s.rules[i]
		switch {
		case !rule.matches(s.name):
		case rule.Effect != Allow:
			s.deny = rule
		case s.allow == nil || len(rule.Path) > len(s.allow.Path) || len(rule.Path) == len(s.allow.Path) && i < s.at:
			s.allow, s.at = rule, i
		}
	}
}
