package redact

// prefixes is a list of texts in lower case, one of which a text may go on with. Most
// texts do not: their first byte says so.
type prefixes struct {
	first [256]bool // bytes that one begins with, in either case
	list  []string
}

func prefixesOf(list ...string) *prefixes {
	p := &prefixes{list: list}
	for _, prefix := range list {
		p.first[prefix[0]] = true
		if c := prefix[0]; c >= 'a' && c <= 'z' {
			p.first[c-'a'+'A'] = true
		}
	}
	return p
}

// at returns the end of the first of the list that text goes on with at i, in any case;
// i if none is there.
func (p *prefixes) at(text []byte, i int) int {
	if i < 0 || i >= len(text) || !p.first[text[i]] {
		return i
	}
	for _, prefix := range p.list {
		if hasPrefix(text, i, prefix) {
			return i + len(prefix)
		}
	}
	return i
}
