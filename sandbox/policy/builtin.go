package policy

import "net/netip"

// builtinPath is one row of the tables below. "~" is the person's home.
type builtinPath struct {
	path   string
	access Access // of a system rule
	reason string
}

// The built-in rules are functions, not variables, so that nothing can change
// them at run time.

// systemPaths are the folders that programs need. No person wrote them; they
// are the only reach beyond the workspace that every agent has.
func systemPaths() []builtinPath {
	const (
		programs = "programs and their libraries"
		private  = "private to the cage"
		device   = "a device that holds nothing"
		own      = "the cage's own processes"
		kernel   = "the kernel's own settings"
		git      = "git's settings; programs need it"
	)
	return []builtinPath{
		{"/usr", AccessRead, programs},
		{"/bin", AccessRead, programs},
		{"/sbin", AccessRead, programs},
		{"/lib", AccessRead, programs},
		{"/lib32", AccessRead, programs},
		{"/lib64", AccessRead, programs},
		{"/libx32", AccessRead, programs},
		{"/opt", AccessRead, programs},
		{"/etc", AccessRead, "system settings; programs need it"},
		{"/proc", AccessWrite, own},
		{"/proc/sys", AccessRead, kernel},
		{"/proc/sysrq-trigger", AccessRead, kernel},
		{"/proc/irq", AccessRead, kernel},
		{"/proc/bus", AccessRead, kernel},
		{"/proc/fs", AccessRead, kernel},
		{"/dev/null", AccessWrite, device},
		{"/dev/zero", AccessWrite, device},
		{"/dev/full", AccessWrite, device},
		{"/dev/random", AccessWrite, device},
		{"/dev/urandom", AccessWrite, device},
		{"/dev/tty", AccessWrite, "the terminal of the run"},
		{"/dev/ptmx", AccessWrite, private},
		{"/dev/pts", AccessWrite, private},
		{"/dev/shm", AccessWrite, private},
		{"/dev/fd", AccessWrite, own},
		{"/dev/stdin", AccessWrite, own},
		{"/dev/stdout", AccessWrite, own},
		{"/dev/stderr", AccessWrite, own},
		{"/tmp", AccessWrite, private},
		{"~/.gitconfig", AccessRead, git},
		{"~/.config/git", AccessRead, git},
	}
}

// deniedPaths are the places that no config opens to an agent.
func deniedPaths() []builtinPath {
	const (
		ssh      = "SSH keys"
		keys     = "key material"
		cloud    = "cloud credentials"
		cluster  = "cluster credentials"
		logins   = "stored logins"
		registry = "package registry tokens"
		browser  = "browser profile"
		keyring  = "keyring"
		history  = "shell history"
		sockets  = "sockets of the person's session"
		docker   = "container engine socket"
		display  = "display server socket"
		accounts = "account database"
	)
	rows := []struct {
		reason string
		paths  []string
	}{
		{ssh, []string{"~/.ssh"}},
		{keys, []string{"~/.gnupg", "~/.pki", "~/.config/sops", "~/.config/age"}},
		{cloud, []string{
			"~/.aws", "~/.config/gcloud", "~/.azure", "~/.oci", "~/.config/doctl", "~/.config/rclone", "~/.vault-token",
			"~/.terraform.d/credentials.tfrc.json", "~/.terraformrc", "~/.config/hcloud", "~/.fly",
		}},
		{cluster, []string{"~/.kube", "~/.docker", "~/.config/containers/auth.json"}},
		{logins, []string{
			"~/.netrc", "~/.git-credentials", "~/.config/git/credentials", "~/.config/gh", "~/.config/glab-cli", "~/.config/hub",
			"~/.password-store", "~/.config/op", "~/.config/Bitwarden", "~/.config/Bitwarden CLI", "~/.config/keepassxc",
			"~/.pgpass", "~/.my.cnf", "~/.mylogin.cnf",
			"~/.local/share/gopass", "~/.config/gopass", "~/.config/1Password", "~/.local/share/rbw", "~/.cache/rbw",
			"~/.cache/keepassxc", "~/.lpass", "~/.local/share/lpass", "~/.authinfo", "~/.authinfo.gpg", "~/snap/bitwarden",
			"~/snap/keepassxc", "~/.var/app/com.bitwarden.desktop", "~/.var/app/org.keepassxc.KeePassXC",
			"~/.var/app/com.onepassword.OnePassword",
		}},
		{registry, []string{
			"~/.npmrc", "~/.pypirc", "~/.cargo/credentials", "~/.cargo/credentials.toml", "~/.gem/credentials", "~/.m2/settings.xml",
			"~/.m2/settings-security.xml", "~/.gradle/gradle.properties", "~/.config/composer/auth.json", "~/.nuget/NuGet",
		}},
		{browser, []string{
			"~/.config/google-chrome", "~/.config/google-chrome-beta", "~/.config/google-chrome-unstable", "~/.config/chromium",
			"~/.config/BraveSoftware", "~/.config/microsoft-edge", "~/.config/vivaldi", "~/.config/opera", "~/.mozilla", "~/.config/mozilla",
			"~/.cache/google-chrome", "~/.cache/chromium", "~/.cache/mozilla", "~/.cache/BraveSoftware", "~/.cache/microsoft-edge",
			"~/snap/firefox", "~/snap/chromium", "~/.var/app/org.mozilla.firefox", "~/.var/app/com.google.Chrome",
			"~/.var/app/org.chromium.Chromium", "~/.var/app/com.brave.Browser", "~/.var/app/com.microsoft.Edge", "~/.thunderbird",
			"~/Library/Application Support/Google/Chrome", "~/Library/Application Support/Chromium",
			"~/Library/Application Support/BraveSoftware", "~/Library/Application Support/Firefox",
			"~/Library/Application Support/Microsoft Edge", "~/Library/Safari", "~/Library/Cookies",
			"~/Library/Containers/com.apple.Safari",
			"~/.config/microsoft-edge-beta", "~/.config/microsoft-edge-dev", "~/.config/vivaldi-snapshot", "~/.config/opera-beta",
			"~/.config/opera-developer", "~/.config/yandex-browser", "~/.librewolf", "~/.config/librewolf", "~/.waterfox", "~/.zen",
			"~/.config/zen", "~/.floorp", "~/.local/share/torbrowser", "~/.local/share/epiphany", "~/.local/share/qutebrowser",
			"~/.config/falkon", "~/.cache/vivaldi", "~/.cache/opera", "~/.cache/librewolf", "~/.cache/thunderbird", "~/snap/brave",
			"~/snap/opera", "~/snap/thunderbird", "~/.var/app/com.vivaldi.Vivaldi", "~/.var/app/com.opera.Opera",
			"~/.var/app/app.zen_browser.zen", "~/.var/app/io.gitlab.librewolf-community",
			"~/.var/app/io.github.ungoogled_software.ungoogled_chromium", "~/.var/app/org.mozilla.Thunderbird",
			"~/.var/app/net.thunderbird.Thunderbird", "~/Library/Application Support/Arc", "~/Library/Application Support/Vivaldi",
			"~/Library/Application Support/com.operasoftware.Opera", "~/Library/Application Support/librewolf",
			"~/Library/Application Support/zen", "~/Library/Thunderbird",
		}},
		{keyring, []string{
			"~/.local/share/keyrings", "~/.gnome2/keyrings", "~/.local/share/kwalletd", "~/.kde/share/apps/kwallet",
			"~/.kde4/share/apps/kwallet", "~/Library/Keychains", "/Library/Keychains",
		}},
		{history, []string{
			"~/.bash_history", "~/.zsh_history", "~/.zsh_sessions", "~/.bash_sessions", "~/.histfile", "~/.sh_history", "~/.ash_history",
			"~/.local/share/fish/fish_history", "~/.python_history", "~/.node_repl_history", "~/.psql_history", "~/.mysql_history",
			"~/.sqlite_history", "~/.rediscli_history", "~/.irb_history", "~/.lesshst", "~/.viminfo",
			"~/.zhistory", "~/.history", "~/.mksh_history", "~/.local/share/atuin", "~/.local/share/mcfly",
			"~/.local/share/powershell/PSReadLine", "~/.config/nushell/history.txt", "~/.config/nushell/history.sqlite3",
			"~/.local/share/xonsh", "~/.local/state/elvish", "~/.local/state/nvim/shada", "~/.local/share/nvim/shada",
			"~/.local/state/lesshst", "~/.php_history", "~/.gdb_history", "~/.dbshell", "~/.mongodb/mongosh",
		}},
		{sockets, []string{"/run/user", "/var/run/user", "/run/dbus", "/var/run/dbus"}},
		{docker, []string{
			"/run/docker.sock", "/var/run/docker.sock", "/run/docker", "/var/run/docker", "/run/containerd", "/var/run/containerd",
			"/run/podman", "/var/run/podman", "/run/crio", "/var/run/crio", "/run/k3s", "/run/libvirt", "/var/run/libvirt",
			"/run/snapd.sock", "/run/snapd-snap.socket", "/run/systemd/private", "/run/systemd/journal",
		}},
		{display, []string{"/tmp/.X11-unix", "/tmp/.ICE-unix", "/tmp/.XIM-unix", "~/.Xauthority", "~/.ICEauthority"}},
		{accounts, []string{
			"/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/sudoers", "/etc/sudoers.d", "/etc/security/opasswd",
			"/etc/master.passwd", "/private/etc/master.passwd",
		}},
		{"keys of this machine", []string{"/etc/ssh", "/etc/ssl/private", "/etc/pki/tls/private", "/etc/wireguard", "/etc/NetworkManager/system-connections", "/etc/krb5.keytab"}},
		{"the kernel's memory", []string{"/proc/kcore", "/proc/kmem", "/dev/mem", "/dev/kmem", "/dev/port"}},
	}
	var out []builtinPath
	for _, row := range rows {
		for _, p := range row.paths {
			out = append(out, builtinPath{path: p, reason: row.reason})
		}
	}
	return out
}

// builtinRange is one row of the address table.
type builtinRange struct {
	prefix netip.Prefix
	reason string
}

// blockedRanges are the addresses that are not the internet. The sources are
// the IANA special-purpose address registries for IPv4 and IPv6, and the
// metadata services of the large clouds.
func blockedRanges() []builtinRange {
	rows := []struct{ reason, prefixes string }{
		{"metadata service", "169.254.169.254/32 100.100.100.200/32 168.63.129.16/32 192.0.0.192/32 169.254.170.2/32 169.254.170.23/32 fd00:ec2::254/128 fd00:ec2::23/128 fd20:ce::254/128"},
		{"loopback address", "127.0.0.0/8 ::1/128"},
		{"private address", "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16"},
		{"carrier's private address", "100.64.0.0/10"},
		{"link-local address", "169.254.0.0/16 fe80::/10"},
		{"private address", "fc00::/7 fec0::/10"},
		{"unspecified address", "0.0.0.0/8 ::/128"},
		{"multicast or broadcast address", "224.0.0.0/4 255.255.255.255/32 ff00::/8"},
		{"reserved address", "192.0.0.0/24 192.88.99.0/24 240.0.0.0/4 100::/64 5f00::/16"},
		{"benchmark address", "198.18.0.0/15 2001:2::/48"},
		{"documentation address", "192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 2001:db8::/32 3fff::/20"},
		{"IPv6 address that holds an IPv4 address", "::/96 64:ff9b::/96 64:ff9b:1::/48 2002::/16 2001::/32"},
	}
	var out []builtinRange
	for _, row := range rows {
		rest := row.prefixes
		for rest != "" {
			var one string
			one, rest = cutSpace(rest)
			out = append(out, builtinRange{prefix: netip.MustParsePrefix(one), reason: row.reason})
		}
	}
	return out
}

// SystemPrograms are the names that `system_commands: false` refuses: they
// change the machine rather than the person's files. The list is for a clear
// answer; what makes them harmless is that a cage has no privilege to give
// them.
func SystemPrograms() []string {
	return []string{
		"apk", "apt", "apt-get", "aptitude", "chpasswd", "chroot", "crontab", "depmod", "dmsetup", "dnf", "doas", "dpkg",
		"firewall-cmd", "flatpak", "fusermount", "fusermount3", "gpasswd", "groupadd", "groupdel", "groupmod", "halt", "hostnamectl",
		"insmod", "ip6tables", "iptables", "kexec", "localectl", "loginctl", "losetup", "lvm", "machinectl", "mkfs",
		"mkswap", "modprobe", "mount", "newgidmap", "newgrp", "newuidmap", "nft", "nsenter", "pacman", "passwd", "pivot_root", "pkexec",
		"poweroff", "reboot", "rmmod", "rpm", "run0", "runuser", "service", "setcap", "shutdown", "snap", "su", "sudo", "sudoedit",
		"swapoff", "swapon", "switch_root", "sysctl", "systemctl", "systemd-nspawn", "systemd-run", "telinit", "timedatectl",
		"udevadm", "ufw", "umount", "unshare", "update-alternatives", "useradd", "userdel", "usermod", "visudo", "yum", "zypper",
	}
}
