package backend

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"openclaw/keychain"
	"openclaw/keychain/internal/file"
)

// Names of the backends, as the marker and Status say them.
const (
	Keychain = "keychain"
	Vault    = "vault"
)

const (
	markerVersion = 1
	maxMarker     = 4 << 10
)

// marker is state/secret-store.json.
type marker struct {
	Version int       `json:"version"`
	Backend string    `json:"backend"`
	Chosen  time.Time `json:"chosen"`
}

var (
	errMarker      = errors.New("secret-store.json is not readable")
	errMarkerNewer = errors.New("secret-store.json was written by a newer openclaw")
	errAmbiguous   = errors.New("secret-store.json is gone, and both a vault and a keychain index are there")
)

// readMarker returns the choice, or "" when none was made.
func (b *Backend) readMarker() (string, error) {
	data, err := file.Read(b.markerPath(), maxMarker)
	if errors.Is(err, fs.ErrNotExist) {
		return b.choiceFromFiles()
	}
	if err != nil {
		return "", fmt.Errorf("%w: %w", errMarker, err)
	}
	var m marker
	decoder := json.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&m); err != nil {
		return "", fmt.Errorf("%w: %w", errMarker, err)
	}
	switch {
	case m.Version > markerVersion:
		return "", errMarkerNewer
	case m.Version != markerVersion, m.Backend != Keychain && m.Backend != Vault:
		return "", fmt.Errorf("%w: version %d", errMarker, m.Version)
	}
	return m.Backend, nil
}

// choiceFromFiles is for a state folder without marker: a crash between the
// creation of the vault and of the marker, or a hand that removed it. Probing
// again could choose another backend than the one that holds the secrets.
func (b *Backend) choiceFromFiles() (string, error) {
	vault, index := exists(b.vaultPath), exists(b.indexPath())
	switch {
	case vault && index:
		return "", errAmbiguous
	case vault:
		return Vault, nil
	case index:
		return Keychain, nil
	}
	return "", nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// writeMarker makes the choice. The caller holds the lock between processes.
func (b *Backend) writeMarker(backend string) error {
	data, err := json.Marshal(marker{Version: markerVersion, Backend: backend, Chosen: b.now().UTC().Truncate(time.Second)})
	if err != nil {
		return fmt.Errorf("encode marker: %w", err)
	}
	file.RemoveLeftovers(b.markerPath())
	if err := file.Replace(b.markerPath(), "", append(data, '\n')); err != nil {
		return fmt.Errorf("write marker: %w", err)
	}
	return nil
}

// markerError gives a fault of the marker its kind and cure.
func (b *Backend) markerError(op string, err error) error {
	e := &keychain.Error{Op: op, Kind: keychain.KindFailed, Err: err, Hint: "check the free space and the mode of " + b.stateDir}
	switch {
	case errors.Is(err, errMarkerNewer):
		e.Kind, e.Hint = keychain.KindUnsupported, "use the newer openclaw, or another state folder (OPENCLAW_HOME)"
	case errors.Is(err, errAmbiguous):
		e.Kind, e.Hint = keychain.KindCorrupt, `write {"version":1,"backend":"vault"} or "keychain" to `+b.markerPath()+", whichever holds your secrets"
	case errors.Is(err, errMarker):
		e.Kind, e.Hint = keychain.KindCorrupt, `restore `+b.markerPath()+` from a backup, or write {"version":1,"backend":"keychain"} or "vault" to it`
	case errors.Is(err, file.ErrBusy):
		e.Kind, e.Hint = keychain.KindTimeout, "another openclaw keeps the lock in "+b.stateDir+": wait for it or end it"
	}
	return e
}
