package darwin

import (
	"path"
	"strings"
)

const dataVolume = "/System/Volumes/Data"

// Physical is the name by which macOS knows an absolute and clean path, as far
// as every Mac has the same links: /tmp, /var and /etc lie in /private, and the
// data volume's folders appear at the root.
func Physical(name string) string {
	if rest, ok := strings.CutPrefix(name, dataVolume+"/"); ok {
		name = "/" + rest
	}
	for _, link := range systemLinks() {
		if under(name, link) {
			return "/private" + name
		}
	}
	return name
}

// Logical undoes Physical's /private: the name that a person writes.
func Logical(name string) string {
	if rest, ok := strings.CutPrefix(name, "/private"); ok {
		for _, link := range systemLinks() {
			if under(rest, link) {
				return rest
			}
		}
	}
	return name
}

// systemLinks are the links at the root.
func systemLinks() []string { return []string{"/etc", "/tmp", "/var"} }

// onDataVolume is the other name of a path on the data volume.
func onDataVolume(name string) (string, bool) {
	for _, top := range []string{"/Applications", "/Library", "/Users", "/Volumes", "/cores", "/opt", "/private", "/usr/local"} {
		if under(name, top) {
			return dataVolume + name, true
		}
	}
	return "", false
}

// under reports whether name is folder or lies below it.
func under(name, folder string) bool {
	if folder == "/" {
		return strings.HasPrefix(name, "/")
	}
	return strings.HasPrefix(name, folder) && (len(name) == len(folder) || name[len(folder)] == '/')
}

// above lists the folders above a path, the nearest first, without the root.
func above(name string) []string {
	var list []string
	for folder := path.Dir(name); folder != "/" && folder != "."; folder = path.Dir(folder) {
		list = append(list, folder)
	}
	return list
}
