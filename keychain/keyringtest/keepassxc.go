//go:build linux

package keyringtest

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A database whose root group is given to the Secret Service: its custom data hold
// that group's id, which the settings' window of the program writes otherwise.
const kdbxSource = `<?xml version="1.0" encoding="UTF-8"?>
<KeePassFile><Meta><CustomData>
<Item><Key>FDO_SECRETS_EXPOSED_GROUP</Key><Value>{00010203-0405-0607-0809-0a0b0c0d0e0f}</Value></Item>
</CustomData></Meta>
<Root><Group><UUID>AAECAwQFBgcICQoLDA0ODw==</UUID><Name>Root</Name></Group></Root></KeePassFile>
`

// What the program asks at its first start is answered, and its Secret Service is
// on. That a person confirms each access and each deletion is its default.
const (
	kdbxSettings = `[General]
ConfigVersion=2
UpdateCheckMessageShown=true
[GUI]
CheckForUpdates=false
[FdoSecrets]
Enabled=true
ShowNotification=false
`
	kdbxAsksNobody = "ConfirmAccessItem=false\nConfirmDeleteItem=false\n"
)

// Started with the session as $1 and the test's command after it.
const kdbxScript = `
session=$1; shift
db="$HOME/passwords.kdbx"
printf '%s\n%s\n' "$KEYRING_PASSPHRASE" "$KEYRING_PASSPHRASE" | keepassxc-cli import -q -p "$HOME/database.xml" "$db" >/dev/null 2>&1 || exit 96
set_up() { exec keepassxc --config "$HOME/settings.ini" --localconfig "$HOME/local.ini" "$@" >"$HOME/keepassxc.log" 2>&1; }
case $session in
unlocked|asking) printf '%s\n' "$KEYRING_PASSPHRASE" >"$HOME/passphrase"; (set_up --pw-stdin "$db" <"$HOME/passphrase") & daemon=$! ;;
locked) (set_up "$db" </dev/null) & daemon=$! ;;
empty) (set_up </dev/null) & daemon=$! ;;
esac
"$@"; status=$?
kill -KILL $daemon 2>/dev/null
wait $daemon; ended=$?
[ $status -eq 0 ] || [ $ended -eq 137 ] || { echo "KeePassXC had ended by itself, status $ended"; exit 98; }
exit $status
`

// crashed is the script's status when the test failed and KeePassXC had ended before it
// was killed. Version 2.7.4, which Debian 12 has, crashes now and then when
// it meets a client that is new to it (SIGSEGV, or SIGABRT from its own check): once in
// about twenty of secret-tool's calls, five times in 240 of these tests.
// That says nothing of the test, which is run again.
const (
	crashed       = 98
	crashAttempts = 6
)

func database(home string) string { return filepath.Join(home, "passwords.kdbx") }

func keePassXCFiles(t *testing.T, home string, session Session, uid int) {
	t.Helper()
	settings := kdbxSettings
	if session != Asking {
		settings += kdbxAsksNobody
	}
	for name, text := range map[string]string{"database.xml": kdbxSource, "settings.ini": settings} {
		path := filepath.Join(home, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(path, uid, -1); err != nil {
			t.Fatal(err)
		}
	}
}

// mainWindow calls the program's own interface, which stands in for its person.
func mainWindow(t *testing.T, method string, args ...any) {
	t.Helper()
	window := Bus(t).Object("org.keepassxc.KeePassXC.MainWindow", "/keepassxc")
	if err := window.Call("org.keepassxc.KeePassXC.MainWindow."+method, 0, args...).Err; err != nil {
		t.Fatalf("KeePassXC, %s: %v", method, err)
	}
}

func awaitLocked(t *testing.T, want bool) {
	t.Helper()
	bus := Bus(t)
	for range 2400 { // a minute
		if isLocked(bus, want) {
			return
		}
		time.Sleep(25 * time.Millisecond)
	}
	t.Fatalf("KeePassXC did not come to be locked: %v", want)
}
