package backend

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"time"

	"openclaw/keychain"
	"openclaw/keychain/internal/file"
	"openclaw/keychain/vault"
)

// Options says where things are. StateDir and KeysDir must exist.
type Options struct {
	StateDir       string       // holds the marker, the index and the vault
	KeysDir        string       // holds vault.key
	VaultPath      string       // StateDir/vault.openclaw when empty
	OS             *keychain.OS // nil: this system has none
	CredentialsDir string       // $CREDENTIALS_DIRECTORY; may be empty
	Now            func() time.Time
	Anchor         Anchor // remembers the newest vault file beside the keychain; nil: nothing does

	// Changed is called after name was set or deleted, and with "" after the vault was
	// opened or locked: what was read before, and what could not be, counts no more.
	Changed func(name string)
}

// Backend is the chosen store.
type Backend struct {
	stateDir, keysDir, vaultPath, credentialsDir string

	os      *keychain.OS
	anchors []Anchor // the given one, if one is given, and the keychain
	now     func() time.Time
	changed func(string)

	choosing sync.Mutex // one choice or unlock at a time; may be held for seconds

	noting sync.Mutex         // one note to the anchors at a time; may be held for seconds
	noted  keychain.VaultMark // what they know; guarded by noting

	mu     sync.Mutex // guards what follows; held for no call
	choice string     // "", Keychain or Vault
	vault  *vault.Vault
	err    error     // the last answer; nil is ready
	awaits bool      // the vault opens by a keychain that did not answer, and nobody locked it
	asked  time.Time // when that was asked last
}

var _ keychain.Store = (*Backend)(nil)

// Open reads the choice, or makes it if the keychain works, and checks that the
// chosen backend answers. A backend that is locked, unreachable or not chosen
// is no error of Open: Status tells it, and so does every call.
func Open(ctx context.Context, options Options) (*Backend, error) {
	b := &Backend{
		stateDir: options.StateDir, keysDir: options.KeysDir, vaultPath: options.VaultPath,
		credentialsDir: options.CredentialsDir, os: options.OS, anchors: []Anchor{NewKeychainAnchor(options.OS)}, now: options.Now, changed: options.Changed,
	}
	if options.Anchor != nil {
		b.anchors = append([]Anchor{options.Anchor}, b.anchors...)
	}
	if b.vaultPath == "" {
		b.vaultPath = filepath.Join(b.stateDir, "vault.openclaw")
	}
	if b.now == nil {
		b.now = time.Now
	}
	if b.changed == nil {
		b.changed = func(string) {}
	}
	b.Refresh(ctx)
	if err := ctx.Err(); err != nil {
		b.Close()
		return nil, &keychain.Error{Op: "open secret store", Kind: keychain.KindOf(err), Err: err, Hint: "try again"}
	}
	return b, nil
}

// Close wipes the vault's key. Later calls fail as locked.
func (b *Backend) Close() {
	defer b.hold()()
	if v := b.current(); v != nil {
		v.Close()
	}
}

func (b *Backend) markerPath() string { return filepath.Join(b.stateDir, "secret-store.json") }
func (b *Backend) indexPath() string  { return filepath.Join(b.stateDir, "index.json") }
func (b *Backend) lockPath() string   { return filepath.Join(b.stateDir, "secret-store.lock") }
func (b *Backend) keyPath() string    { return filepath.Join(b.keysDir, "vault.key") }

// Refresh looks again: it makes the choice if there is none and the keychain
// works now, and checks whether what is chosen answers.
func (b *Backend) Refresh(ctx context.Context) Status {
	defer b.hold()()
	const op = "open secret store"
	choice, err := b.readMarker()
	switch {
	case err != nil:
		b.settle("", nil, b.markerError(op, err))
	case choice == Vault:
		b.refreshVault(ctx)
	case choice == Keychain:
		b.settle(Keychain, nil, b.checkKeychain(ctx))
	default:
		b.choose(ctx, op)
	}
	return b.Status()
}

// choose takes the keychain if it works. Another process may choose first.
func (b *Backend) choose(ctx context.Context, op string) {
	if err := b.probe(ctx); err != nil {
		b.settle("", nil, err)
		return
	}
	release, err := file.Acquire(ctx, b.lockPath())
	if err != nil {
		b.settle("", nil, b.markerError(op, err))
		return
	}
	choice, err := b.readMarker()
	if err == nil && choice == "" {
		choice, err = Keychain, b.writeMarker(Keychain)
	}
	release()
	switch {
	case err != nil:
		b.settle("", nil, b.markerError(op, err))
	case choice == Vault:
		b.refreshVault(ctx)
	default:
		b.settle(Keychain, nil, nil)
	}
}

func (b *Backend) probe(ctx context.Context) error {
	if b.os == nil {
		return noKeychain("probe keychain")
	}
	return b.os.Probe(ctx)
}

func (b *Backend) checkKeychain(ctx context.Context) error {
	if b.os == nil {
		return noKeychain("check keychain")
	}
	return b.os.Check(ctx)
}

func noKeychain(op string) error {
	return &keychain.Error{
		Op: op, Kind: keychain.KindNoService, Err: errors.New("no keychain is set up"),
		Hint: "keep secrets in the encrypted vault: openclaw vault init",
	}
}

// refreshVault keeps an unlocked vault, or unlocks it by what needs no person.
func (b *Backend) refreshVault(ctx context.Context) {
	if v := b.current(); v != nil {
		_, err := v.Entries(ctx)
		if err == nil {
			err = b.noteMark(ctx, "open vault", v)
		}
		if keychain.KindOf(err) != keychain.KindLocked {
			b.settle(Vault, v, err)
			return
		}
		// Closed before, or another vault stands there now.
	}
	v, err := b.unlockUnattended(ctx)
	b.settle(Vault, v, err)
	b.mu.Lock()
	b.awaits, b.asked = waitsForKeychain(err), b.now()
	b.mu.Unlock()
}

func (b *Backend) unlockUnattended(ctx context.Context) (*vault.Vault, error) {
	header, err := vault.ReadHeader(b.vaultPath)
	if err != nil {
		return nil, err
	}
	return b.openNewest(ctx, func() (*vault.Vault, error) { return b.openUnattended(ctx, header, "") })
}

func locked(op string) error {
	return &keychain.Error{
		Op: op, Kind: keychain.KindLocked, Err: errors.New("the vault waits for its passphrase"),
		Hint: "unlock it: openclaw vault unlock, by its key file with --key-file",
	}
}

func trimNewline(b []byte) []byte {
	if n := len(b); n > 0 && b[n-1] == '\n' {
		b = b[:n-1]
	}
	if n := len(b); n > 0 && b[n-1] == '\r' {
		b = b[:n-1]
	}
	return b
}

// hold takes the lock of choices. What it returns gives it back, and tells if the vault
// was opened or closed meanwhile.
func (b *Backend) hold() (release func()) {
	b.choosing.Lock()
	return b.holding()
}

// holding is hold for who has the lock already.
func (b *Backend) holding() (release func()) {
	before := b.current()
	return func() {
		after := b.current()
		b.choosing.Unlock()
		if before != after {
			b.changed("")
		}
	}
}

// current is the vault while it is open.
func (b *Backend) current() *vault.Vault {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.vault
}

// settle publishes what is known now, and closes a vault that is not used any
// more.
func (b *Backend) settle(choice string, v *vault.Vault, err error) {
	b.mu.Lock()
	old := b.vault
	b.choice, b.vault, b.err, b.awaits = choice, v, err, false
	b.mu.Unlock()
	if old != nil && old != v {
		old.Close()
	}
}
