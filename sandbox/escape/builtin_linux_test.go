package escape_test

import (
	"errors"
	"os"

	"openclaw/sandbox/policy"
)

// wholeHome opens the person's home to the agent, and takes back the denials of
// the world: only what is built in is left.
func wholeHome(files ...string) func(*world) {
	return func(w *world) {
		w.perms.AllowedPaths, w.perms.DeniedPaths = []policy.PathEntry{entry(w.home)}, nil
		for _, name := range files {
			w.write(name, secret)
		}
	}
}

// anyOf reads the first that it can.
func anyOf(files ...string) func(place) error {
	return func(p place) error {
		last := errors.New("none")
		for _, name := range files {
			if last = reads(p.path(name)); last == nil {
				return nil
			}
		}
		return last
	}
}

// builtInAttempts are about what no config lifts: the whole home is allowed.
func builtInAttempts() []try {
	kinds := []struct {
		name  string
		files []string
	}{
		{"SSH keys", []string{".ssh/id_rsa", ".ssh/config"}},
		{"cloud credentials", []string{".aws/credentials", ".config/gcloud/credentials.db", ".azure/msal_token_cache.json"}},
		{"keyrings and password stores", []string{".gnupg/private-keys-v1.d/key", ".local/share/keyrings/login.keyring", ".password-store/bank.gpg"}},
		{"browser profiles", []string{".mozilla/firefox/x.default/logins.json", ".config/chromium/Default/Login Data", ".config/google-chrome/Default/Cookies"}},
		{"shell history", []string{".bash_history", ".zsh_history", ".local/share/fish/fish_history"}},
		{"stored logins", []string{".netrc", ".git-credentials", ".config/gh/hosts.yml", ".pgpass"}},
		{"registry tokens", []string{".npmrc", ".pypirc", ".cargo/credentials.toml"}},
		{"cluster credentials", []string{".kube/config", ".docker/config.json"}},
		{"own state folder", []string{".openclaw/config.yaml", ".openclaw/state/tokens", ".openclaw/agents/other/notes"}},
	}
	var list []try
	for _, k := range kinds {
		list = append(list, try{name: "home is allowed: " + k.name, denied: true, prepare: wholeHome(k.files...), run: anyOf(k.files...)})
	}
	return append(list,
		try{name: "home is allowed: change keys", denied: true, prepare: wholeHome(".ssh/authorized_keys"), check: changed(".ssh/authorized_keys"), run: func(p place) error {
			return os.WriteFile(p.path(".ssh/authorized_keys"), []byte("mine"), 0o600)
		}},
		try{name: "home is allowed: make a login that is not there", denied: true, prepare: wholeHome(), check: appeared(".netrc"), run: func(p place) error {
			return os.WriteFile(p.path(".netrc"), []byte("mine"), 0o600)
		}},
		try{name: "home is allowed: move the folder of keys", denied: true, prepare: wholeHome(".aws/credentials"), run: func(p place) error {
			return first(func() error { return os.Rename(p.path(".aws"), p.path("aws")) }, func() error { return reads(p.path("aws/credentials")) })
		}},
		try{name: "home is allowed: move a folder above keys", denied: true, prepare: wholeHome(".config/gcloud/credentials.db"), run: func(p place) error {
			return first(func() error { return os.Rename(p.path(".config"), p.path("config")) }, func() error { return reads(p.path("config/gcloud/credentials.db")) })
		}},
		try{name: "home is allowed: link to history", denied: true, prepare: wholeHome(".bash_history"), run: func(p place) error {
			return first(func() error { return os.Link(p.path(".bash_history"), p.path("mine")) }, func() error { return reads(p.path("mine")) })
		}},
		try{name: "state folder named as allowed", denied: true, prepare: func(w *world) {
			wholeHome(".openclaw/config.yaml")(w)
			w.perms.AllowedPaths = append(w.perms.AllowedPaths, entry(w.path(".openclaw")))
		}, run: anyOf(".openclaw/config.yaml")},
		try{name: "account database", root: true, run: func(place) error {
			file, err := os.Open("/etc/shadow")
			if err != nil {
				return err
			}
			defer func() { _ = file.Close() }()
			_, err = file.Read(make([]byte, 1))
			return err
		}},
	)
}
