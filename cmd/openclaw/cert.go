package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"openclaw/configs"
	"openclaw/gateway/certs"
	"openclaw/gateway/certs/authority"
	"openclaw/keychain"
	"openclaw/keychain/backend"
)

// authorityKeyName is the secret that holds the authority's key.
const authorityKeyName = "certs/authority"

func certCommand(t *terminal) *cobra.Command {
	return group("cert", "Make certificates for the gateway and its clients, and see when they end",
		certAuthorityCommand(t), group("issue", "Make a certificate", certClientCommand(t), certServerCommand(t)), certRevokeCommand(t), certCheckCommand(t))
}

// certFiles are the places of the authority in a state folder.
type certFiles struct{ layout configs.Layout }

func (f certFiles) authority() string { return filepath.Join(f.layout.Certs(), "ca.crt") }
func (f certFiles) list() string      { return filepath.Join(f.layout.Certs(), "ca.crl") }
func (f certFiles) key() string       { return filepath.Join(f.layout.Keys(), "ca.key") }
func (f certFiles) clients() string   { return filepath.Join(f.layout.Certs(), "clients") }
func (f certFiles) client(name string) (certFile, keyFile string) {
	return filepath.Join(f.clients(), name+".crt"), filepath.Join(f.clients(), name+".key")
}

func (f certFiles) server() (certFile, keyFile string) {
	return filepath.Join(f.layout.Certs(), "gateway.crt"), filepath.Join(f.layout.Certs(), "gateway.key")
}

// forced turns a file that is there into an error with its cure.
func forced(err error) error {
	if _, is := errors.AsType[*authority.ExistsError](err); is {
		return &failure{err: err, hint: "nothing was written; --force replaces it"}
	}
	return err
}

func certAuthorityCommand(t *terminal) *cobra.Command {
	var (
		name              string
		domains, networks []string
		force             bool
	)
	cmd := &cobra.Command{
		Use: "ca", Short: "Make an authority for the certificates of this gateway and its clients", Args: exactly(0),
		Long: "Make an authority: certs/ca.crt in the state folder, its key in the keychain or, where none works, in\n" +
			"keys/ca.key. It signs for this machine and the private networks only; --domain and --network add to that.",
		Example: "  openclaw cert ca\n  openclaw cert ca --domain gateway.example.com",
		RunE: func(cmd *cobra.Command, _ []string) error {
			bounds := authority.DefaultBounds()
			if host, err := os.Hostname(); err == nil && host != "" {
				bounds.Domains = append(bounds.Domains, strings.ToLower(host))
			}
			for _, domain := range domains {
				bounds.Domains = append(bounds.Domains, strings.ToLower(strings.TrimPrefix(domain, "*.")))
			}
			for _, text := range networks {
				network, err := netip.ParsePrefix(text)
				if err != nil {
					return usage("write it like 203.0.113.0/24", "%q is not a network", text)
				}
				bounds.Networks = append(bounds.Networks, network)
			}
			return t.makeAuthority(cmd.Context(), name, bounds, force)
		},
	}
	cmd.Flags().StringVar(&name, "name", "openclaw", "the authority's name")
	cmd.Flags().StringArrayVar(&domains, "domain", nil, "a name that it may sign for, with all below it")
	cmd.Flags().StringArrayVar(&networks, "network", nil, "a network whose addresses it may sign for")
	cmd.Flags().BoolVar(&force, "force", false, "replace the authority that is there: what it signed is worth nothing then")
	return cmd
}

func (t *terminal) makeAuthority(ctx context.Context, name string, bounds authority.Bounds, force bool) error {
	layout, err := t.layout()
	if err != nil {
		return err
	}
	if err := layout.Make(); err != nil {
		return &failure{err: fmt.Errorf("make the state folder: %w", err), hint: "check the owner, the mode and the space of " + layout.Root}
	}
	files := certFiles{layout}
	for _, path := range []string{files.authority(), files.key()} {
		if _, err := os.Lstat(path); err == nil && !force {
			return forced(&authority.ExistsError{Path: path})
		}
	}
	made, pair, err := authority.New(name, bounds, time.Now)
	if err != nil {
		return err
	}
	defer clear(pair.Key)
	list, err := made.Revoke(nil, nil)
	if err != nil {
		return err
	}
	where, err := t.keepAuthorityKey(ctx, files, pair.Key, force)
	if err != nil {
		return err
	}
	if err := authority.Write(files.authority(), pair.Certificate, authority.PublicMode, force); err != nil {
		return forced(err)
	}
	if err := authority.Write(files.list(), list, authority.PublicMode, true); err != nil {
		return err
	}
	t.print("authority  %s", files.authority())
	t.print("its key    %s", where)
	t.print("next       openclaw cert issue server HOST…, openclaw cert issue client NAME")
	return nil
}

// keepAuthorityKey puts the key where secrets are, or into a file.
func (t *terminal) keepAuthorityKey(ctx context.Context, files certFiles, key []byte, force bool) (where string, err error) {
	store, err := t.secretStore(ctx, files.layout)
	if err != nil {
		return "", err
	}
	defer store.Close()
	if status := store.Status(); status.State == backend.Ready {
		_, err := store.Get(ctx, authorityKeyName)
		switch {
		case err == nil && !force:
			return "", &failure{err: fmt.Errorf("the %s holds an authority's key already (%s)", status.Backend, authorityKeyName), hint: "nothing was written; --force replaces it"}
		case err != nil && keychain.KindOf(err) != keychain.KindNotFound:
			return "", err
		}
		if err := store.Set(ctx, authorityKeyName, keychain.NewSecret(bytes.Clone(key))); err != nil {
			return "", err
		}
		os.Remove(files.key())
		return status.Backend + ", as " + authorityKeyName, nil
	}
	if err := authority.Write(files.key(), key, authority.KeyMode, force); err != nil {
		return "", forced(err)
	}
	t.warn("no keychain or vault is open: the authority's key lies in a file, mode 0600; whoever reads it can make certificates")
	return files.key(), nil
}

func (t *terminal) secretStore(ctx context.Context, layout configs.Layout) (*backend.Backend, error) {
	return backend.Open(ctx, backend.Options{
		StateDir: layout.State(), KeysDir: layout.Keys(), VaultPath: layout.Vault(), OS: keychain.NewOS(keychain.OSOptions{}),
		CredentialsDir: t.getenv("CREDENTIALS_DIRECTORY"), Now: time.Now,
	})
}

// openAuthority reads the authority and its key.
func (t *terminal) openAuthority(ctx context.Context) (*authority.Authority, certFiles, error) {
	layout, err := t.layout()
	if err != nil {
		return nil, certFiles{}, err
	}
	files := certFiles{layout}
	const first = "make one first: openclaw cert ca"
	certificate, err := os.ReadFile(files.authority())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, files, &failure{err: errors.New("there is no authority"), hint: first}
	}
	if err != nil {
		return nil, files, err
	}
	key, err := certs.ReadKey(files.key())
	if errors.Is(err, fs.ErrNotExist) {
		store, err := t.secretStore(ctx, layout)
		if err != nil {
			return nil, files, err
		}
		defer store.Close()
		secret, err := store.Get(ctx, authorityKeyName)
		if keychain.KindOf(err) == keychain.KindNotFound {
			return nil, files, &failure{err: errors.New("the authority's key is nowhere: neither in " + files.key() + " nor in the secret store"), hint: "make another authority: openclaw cert ca --force"}
		}
		if err != nil {
			return nil, files, err
		}
		key = bytes.Clone(secret.Reveal())
		secret.Wipe()
	} else if err != nil {
		return nil, files, err
	}
	defer clear(key)
	a, err := authority.Parse(authority.Pair{Certificate: certificate, Key: key}, time.Now)
	if err != nil {
		return nil, files, &failure{err: err, hint: "make another authority: openclaw cert ca --force"}
	}
	return a, files, nil
}

func certClientCommand(t *terminal) *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use: "client NAME", Short: "Make a client's certificate, which names it to the gateway", Args: exactly(1),
		Example: "  openclaw cert issue client laptop",
		RunE: func(cmd *cobra.Command, args []string) error {
			a, files, err := t.openAuthority(cmd.Context())
			if err != nil {
				return err
			}
			pair, err := a.Client(args[0])
			if err != nil {
				return err
			}
			certFile, keyFile := files.client(args[0])
			if err := t.writePair(certFile, keyFile, pair, force); err != nil {
				return err
			}
			t.print("\nTake the two files and %s to the client, and write there:", files.authority())
			t.print("client:\n  gateway_url: wss://HOST:PORT\n  tls:\n    cert_file: %s\n    key_file: %s\n    ca_file: %s", certFile, keyFile, files.authority())
			t.print("Here: gateway.tls.client_auth: required, gateway.tls.ca_file: %s", files.authority())
			return nil
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "replace the files that are there")
	return cmd
}

func certServerCommand(t *terminal) *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use: "server HOST…", Short: "Make the gateway's certificate, for the names and addresses that clients use",
		Example: "  openclaw cert issue server gateway.internal 192.168.1.5",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usage("openclaw cert issue server gateway.internal 192.168.1.5", "by which names and addresses do clients reach it?")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			a, files, err := t.openAuthority(cmd.Context())
			if err != nil {
				return err
			}
			pair, err := a.Server(args)
			if outside, is := errors.AsType[*authority.OutOfBoundsError](err); is {
				return &failure{err: outside, hint: "make an authority that may, and issue all certificates again: openclaw cert ca --force --domain NAME (or --network CIDR)"}
			}
			if err != nil {
				return err
			}
			certFile, keyFile := files.server()
			if err := t.writePair(certFile, keyFile, pair, force); err != nil {
				return err
			}
			t.print("\nA gateway that uses them takes the new pair by itself; to begin:\ngateway:\n  tls:\n    enabled: true")
			return nil
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "replace the files that are there")
	return cmd
}

func (t *terminal) writePair(certFile, keyFile string, pair authority.Pair, force bool) error {
	defer clear(pair.Key)
	if err := authority.WritePair(certFile, keyFile, pair, force); err != nil {
		return forced(err)
	}
	t.print("certificate  %s", certFile)
	t.print("key          %s", keyFile)
	return nil
}

func certRevokeCommand(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use: "revoke [NAME|FILE]", Short: "Put a client's certificate on the authority's revocation list", Args: cobra.MaximumNArgs(1),
		Long: "Put a certificate on the authority's revocation list, certs/ca.crl. A gateway whose gateway.tls.crl_file names it\n" +
			"refuses the client from then on and cuts what it has open. The list holds for a year, and without a name it is\n" +
			"only signed again: past its end the gateway refuses every client certificate.",
		Example: "  openclaw cert revoke laptop\n  openclaw cert revoke ./laptop.crt\n  openclaw cert revoke",
		RunE: func(cmd *cobra.Command, args []string) error {
			a, files, err := t.openAuthority(cmd.Context())
			if err != nil {
				return err
			}
			var one *x509.Certificate
			if len(args) == 1 {
				path := args[0]
				if own, _ := files.client(path); configs.ValidName(path) && exists(own) {
					path = own
				}
				if one, err = certs.ReadCertificate(path); err != nil {
					return err
				}
			}
			before, err := os.ReadFile(files.list())
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			list, err := a.Revoke(before, one)
			if err != nil {
				return err
			}
			if err := authority.Write(files.list(), list, authority.PublicMode, true); err != nil {
				return err
			}
			if one != nil {
				t.print("revoked  serial %x", one.SerialNumber)
			}
			t.print("list     %s", files.list())
			t.print("The gateway obeys it with gateway.tls.crl_file: %s", files.list())
			return nil
		},
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
