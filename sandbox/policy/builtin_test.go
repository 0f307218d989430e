package policy

import (
	"slices"
	"strings"
	"testing"
)

// What no config opens, place by place: each kind of thing with the reason that a
// person is told. The list is written out a second time because nothing else tells
// that a place is gone from the table.
func TestEveryBuiltInPlaceIsDenied(t *testing.T) {
	kinds := map[string]string{
		"SSH keys":     "~/.ssh",
		"key material": "~/.gnupg ~/.pki ~/.config/sops ~/.config/age",
		"cloud credentials": `~/.aws ~/.azure ~/.oci ~/.fly ~/.vault-token ~/.terraformrc ~/.terraform.d/credentials.tfrc.json
			~/.config/gcloud ~/.config/doctl ~/.config/rclone ~/.config/hcloud`,
		"cluster credentials": "~/.kube ~/.docker ~/.config/containers/auth.json",
		"stored logins": `~/.netrc ~/.pgpass ~/.my.cnf ~/.mylogin.cnf ~/.git-credentials ~/.config/git/credentials ~/.config/gh
			~/.config/glab-cli ~/.config/hub ~/.password-store ~/.config/op ~/.config/Bitwarden ~/.config/Bitwarden␣CLI ~/.config/keepassxc
			~/.local/share/gopass ~/.config/gopass ~/.config/1Password ~/.local/share/rbw ~/.cache/rbw ~/.cache/keepassxc ~/.lpass
			~/.local/share/lpass ~/.authinfo ~/.authinfo.gpg ~/snap/bitwarden ~/snap/keepassxc ~/.var/app/com.bitwarden.desktop
			~/.var/app/org.keepassxc.KeePassXC ~/.var/app/com.onepassword.OnePassword`,
		"package registry tokens": `~/.npmrc ~/.pypirc ~/.cargo/credentials ~/.cargo/credentials.toml ~/.gem/credentials ~/.m2/settings.xml
			~/.m2/settings-security.xml ~/.gradle/gradle.properties ~/.config/composer/auth.json ~/.nuget/NuGet`,
		"browser profile": `~/.mozilla ~/.config/mozilla ~/.cache/mozilla ~/.thunderbird ~/snap/firefox ~/snap/chromium
			~/.config/google-chrome ~/.config/google-chrome-beta ~/.config/google-chrome-unstable ~/.config/chromium ~/.config/BraveSoftware
			~/.config/microsoft-edge ~/.config/vivaldi ~/.config/opera ~/.cache/google-chrome ~/.cache/chromium ~/.cache/BraveSoftware
			~/.cache/microsoft-edge ~/.var/app/org.mozilla.firefox ~/.var/app/com.google.Chrome ~/.var/app/org.chromium.Chromium
			~/.var/app/com.brave.Browser ~/.var/app/com.microsoft.Edge ~/Library/Application␣Support/Google/Chrome
			~/Library/Application␣Support/Chromium ~/Library/Application␣Support/BraveSoftware ~/Library/Application␣Support/Firefox
			~/Library/Application␣Support/Microsoft␣Edge ~/Library/Safari ~/Library/Cookies ~/Library/Containers/com.apple.Safari
			~/.config/microsoft-edge-beta ~/.config/microsoft-edge-dev ~/.config/vivaldi-snapshot ~/.config/opera-beta
			~/.config/opera-developer ~/.config/yandex-browser ~/.librewolf ~/.config/librewolf ~/.waterfox ~/.zen ~/.config/zen ~/.floorp
			~/.local/share/torbrowser ~/.local/share/epiphany ~/.local/share/qutebrowser ~/.config/falkon ~/.cache/vivaldi ~/.cache/opera
			~/.cache/librewolf ~/.cache/thunderbird ~/snap/brave ~/snap/opera ~/snap/thunderbird ~/.var/app/com.vivaldi.Vivaldi
			~/.var/app/com.opera.Opera ~/.var/app/app.zen_browser.zen ~/.var/app/io.gitlab.librewolf-community
			~/.var/app/io.github.ungoogled_software.ungoogled_chromium ~/.var/app/org.mozilla.Thunderbird
			~/.var/app/net.thunderbird.Thunderbird ~/Library/Application␣Support/Arc ~/Library/Application␣Support/Vivaldi
			~/Library/Application␣Support/com.operasoftware.Opera ~/Library/Application␣Support/librewolf ~/Library/Application␣Support/zen
			~/Library/Thunderbird`,
		"keyring": `~/.local/share/keyrings ~/.gnome2/keyrings ~/.local/share/kwalletd ~/.kde/share/apps/kwallet ~/.kde4/share/apps/kwallet
			~/Library/Keychains /Library/Keychains`,
		"shell history": `~/.bash_history ~/.zsh_history ~/.zsh_sessions ~/.bash_sessions ~/.histfile ~/.sh_history ~/.ash_history
			~/.local/share/fish/fish_history ~/.python_history ~/.node_repl_history ~/.psql_history ~/.mysql_history ~/.sqlite_history
			~/.rediscli_history ~/.irb_history ~/.lesshst ~/.viminfo
			~/.zhistory ~/.history ~/.mksh_history ~/.local/share/atuin ~/.local/share/mcfly ~/.local/share/powershell/PSReadLine
			~/.config/nushell/history.txt ~/.config/nushell/history.sqlite3 ~/.local/share/xonsh ~/.local/state/elvish
			~/.local/state/nvim/shada ~/.local/share/nvim/shada ~/.local/state/lesshst ~/.php_history ~/.gdb_history ~/.dbshell
			~/.mongodb/mongosh`,
		"sockets of the person's session": "/run/user /var/run/user /run/dbus /var/run/dbus",
		"container engine socket": `/run/docker.sock /var/run/docker.sock /run/docker /var/run/docker /run/containerd /var/run/containerd /run/podman
			/var/run/podman /run/crio /var/run/crio /run/k3s /run/libvirt /var/run/libvirt /run/snapd.sock /run/snapd-snap.socket
			/run/systemd/private /run/systemd/journal`,
		"display server socket": "/tmp/.X11-unix /tmp/.ICE-unix /tmp/.XIM-unix ~/.Xauthority ~/.ICEauthority",
		"account database": `/etc/shadow /etc/shadow- /etc/gshadow /etc/gshadow- /etc/sudoers /etc/sudoers.d /etc/security/opasswd
			/etc/master.passwd /private/etc/master.passwd`,
		"keys of this machine": "/etc/ssh /etc/ssl/private /etc/pki/tls/private /etc/wireguard /etc/NetworkManager/system-connections /etc/krb5.keytab",
		"the kernel's memory":  "/proc/kcore /proc/kmem /dev/mem /dev/kmem /dev/port",
		"openclaw's own state": "~/.openclaw",
	}
	reasons := map[string]string{}
	own := "{allowed_paths: ['/', '~'"
	for reason, places := range kinds {
		for place := range strings.FieldsSeq(places) {
			place = strings.ReplaceAll(place, "␣", " ")
			own += ", '" + place + "'"
			reasons[strings.Replace(place, "~", "/home/ada", 1)] = reason
		}
	}
	p := compiled(t, "{allowed_paths: ['/']}", own+"]}")
	for place, reason := range reasons {
		check(t, p, []want{
			{"read " + place, Deny, "built-in: " + reason},
			{"write " + place + "/below", Deny, "built-in: " + reason},
			{"exec " + place, Deny, "built-in: " + reason},
		})
	}
	for i := range p.Paths {
		if rule := &p.Paths[i]; rule.Effect == Deny && reasons[rule.Path] == "" {
			t.Errorf("%s (%s) is not in this list", rule.Path, rule.Origin.BuiltIn)
		}
	}
	if d := decide(t, p, "read /home/ada/notes"); d.Effect != Allow {
		t.Errorf("the rest of the home: %+v", d)
	}
}

// An address that a name resolves to is no way around what an address of its own
// may not reach: every special range of the table is met by one of its addresses.
func TestEverySpecialRangeIsBlocked(t *testing.T) {
	p := compiled(t, "", "{network: {allow_outbound: true, allowed_ips: ['0.0.0.0/0', '::/0']}}")
	for reason, addresses := range map[string]string{
		"metadata service": "169.254.169.254 100.100.100.200 168.63.129.16 192.0.0.192 169.254.170.2 169.254.170.23 " +
			"[fd00:ec2::254] [fd00:ec2::23] [fd20:ce::254] [::ffff:169.254.169.254]",
		"loopback address":                        "127.0.0.1 127.255.255.254 [::1] [::ffff:127.0.0.1]",
		"private address":                         "10.255.255.255 172.16.0.1 172.31.255.255 192.168.255.255 [fc00::1] [fdff::1] [fec0::1]",
		"carrier's private address":               "100.64.0.1 100.127.255.255",
		"link-local address":                      "169.254.0.1 169.254.255.255 [fe80::1] [febf::1]",
		"unspecified address":                     "0.0.0.0 0.255.255.255 [::]",
		"multicast or broadcast address":          "224.0.0.1 239.255.255.255 255.255.255.255 [ff02::1]",
		"reserved address":                        "192.0.0.1 192.88.99.1 240.0.0.1 255.255.255.254 [100::1] [5f00::1]",
		"benchmark address":                       "198.18.0.1 198.19.255.255 [2001:2::1]",
		"documentation address":                   "192.0.2.1 198.51.100.1 203.0.113.1 [2001:db8::1] [3fff::1]",
		"IPv6 address that holds an IPv4 address": "[::8.8.8.8] [64:ff9b::8.8.8.8] [64:ff9b:1::1] [2002:808:808::1] [2001::1]",
	} {
		for address := range strings.FieldsSeq(addresses) {
			for _, host := range []string{"", "a.test"} {
				check(t, p, []want{{"dial " + host + "=" + address + ":443", Deny, "built-in: " + reason}})
			}
		}
	}
	for _, address := range []string{"1.1.1.1", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1", "[2606:4700::1111]"} {
		check(t, p, []want{{"dial a.test=" + address + ":443", Allow, ""}})
	}
}

// Of this machine's loopback an agent reaches what allowed_ips names as one address
// with its port, also by a name that resolves there: whoever answers for an allowed
// name would otherwise choose the port.
func TestLoopbackNeedsAnAddressWithItsPort(t *testing.T) {
	for _, wide := range []string{"127.0.0.1", "127.0.0.0/8", "127.0.0.0/8:5432", "127.0.0.0/31:5432"} {
		check(t, compiled(t, "", "{network: {allow_outbound: true, allowed_ips: ['"+wide+"']}}"), []want{
			{"dial =127.0.0.1:5432", Deny, ""},
			{"dial a.test=127.0.0.1:5432", Deny, "built-in: loopback address"},
			{"dial a.test=127.0.0.1:22", Deny, "built-in: loopback address"},
			{"dial a.test=[::ffff:127.0.0.1]:5432", Deny, "built-in: loopback address"},
		})
	}
	for _, wide := range []string{"[::1]", "::1/128"} {
		check(t, compiled(t, "", "{network: {allow_outbound: true, allowed_ips: ['"+wide+"']}}"), []want{
			{"dial a.test=[::1]:22", Deny, "built-in: loopback address"},
		})
	}
	check(t, compiled(t, "", "{network: {allow_outbound: true, allowed_ips: ['127.0.0.1:5432']}}"), []want{
		{"dial =127.0.0.1:5432", Allow, "allowed_ips: 127.0.0.1:5432"},
		{"dial a.test=127.0.0.1:5432", Allow, ""},
		{"dial a.test=127.0.0.1:5433", Deny, "built-in: loopback address"},
	})
	check(t, compiled(t, "{network: {allowed_ips: [127.0.0.1]}}", "{network: {allow_outbound: true, allowed_ips: ['127.0.0.1:5432']}}"), []want{
		{"dial =127.0.0.1:5432", Deny, ""},
		{"dial a.test=127.0.0.1:5432", Deny, ""},
	})
	all := compiled(t, "", "{network: {allow_outbound: true, allowed_ips: [127.0.0.1]}}")
	one := compiled(t, "", "{network: {allow_outbound: true, allowed_ips: ['127.0.0.1:5432']}}")
	if Narrower(all, one) {
		t.Error("an entry with a port opens what one without does not, and counts as narrower")
	}
}

// What the config blocks stays blocked, however narrowly allowed_ips names it.
func TestBlockedWinsOverAllowed(t *testing.T) {
	check(t, compiled(t, "", "{network: {allow_outbound: true, blocked_ips: [10.9.0.0/16, 8.8.8.8, '127.0.0.1'], allowed_ips: [10.9.1.1, '10.9.0.0/16', '8.8.8.8:53', '127.0.0.1:80']}}"), []want{
		{"dial =10.9.1.1:80", Deny, "blocked_ips: 10.9.0.0/16"},
		{"dial a.test=10.9.1.1:80", Deny, "blocked_ips: 10.9.0.0/16"},
		{"dial =8.8.8.8:53", Deny, "blocked_ips: 8.8.8.8"},
		{"dial =127.0.0.1:80", Deny, "blocked_ips: 127.0.0.1"},
	})
}

// Where role and agent name one host, the port that either names holds.
func TestPortOfARoleHolds(t *testing.T) {
	check(t, compiled(t, "{network: {allowed_domains: ['*.example.com:443']}}", "{network: {allowed_domains: ['api.example.com', '*.b.example.com']}}"), []want{
		{"connect api.example.com:443", Allow, ""},
		{"connect api.example.com:22", Deny, ""},
		{"connect x.b.example.com:443", Allow, ""},
		{"connect x.b.example.com:22", Deny, ""},
	})
	check(t, compiled(t, "{network: {allowed_ips: ['10.0.0.0/8:443']}}", "{network: {allow_outbound: true, allowed_ips: [10.1.0.0/16]}}"), []want{
		{"dial =10.1.2.3:443", Allow, ""},
		{"dial =10.1.2.3:22", Deny, ""},
	})
}

// The names that `system_commands: false` answers for are a person's to know: those
// that hand out another's rights are among them.
func TestSystemProgramsHoldThoseThatGiveRights(t *testing.T) {
	for name := range strings.FieldsSeq("sudo su doas pkexec run0 runuser sudoedit passwd chpasswd newgrp mount umount unshare nsenter chroot systemctl systemd-run newuidmap newgidmap fusermount3 insmod modprobe reboot crontab") {
		if !slices.Contains(SystemPrograms(), name) {
			t.Errorf("%s is not in the list", name)
		}
	}
}
