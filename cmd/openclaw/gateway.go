package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"openclaw/configs"
	"openclaw/gateway/auth"
	"openclaw/gateway/client"
	"openclaw/gateway/event"
	"openclaw/gateway/wire"
	"openclaw/keychain"
)

func gatewayCommand(t *terminal) *cobra.Command {
	var generate, store bool
	cmd := &cobra.Command{
		Use: "gateway", Short: "Run the gateway in the foreground", Args: exactly(0),
		Long:    "Run the gateway in the foreground, as systemd and launchd want it. SIGHUP reads the config and the certificates again.",
		Example: "  openclaw gateway\n  openclaw gateway --generate-token",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if generate {
				return t.generateToken(cmd.Context(), store)
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return t.forManager(t.runGateway(ctx))
		},
	}
	cmd.Flags().BoolVar(&generate, "generate-token", false, "print a new token and do nothing else")
	cmd.Flags().BoolVar(&store, "store", false, "with --generate-token: keep it as the gateway's token instead of printing it")
	cmd.AddCommand(gatewayStatusCommand(t), gatewayStopCommand(t), gatewayReloadCommand(t), gatewayTokenCommand(t), gatewayRotateCommand(t),
		gatewayBanCommand(t), gatewayUnbanCommand(t), gatewayBansCommand(t))
	return cmd
}

func gatewayTokenCommand(t *terminal) *cobra.Command {
	var store bool
	cmd := &cobra.Command{
		Use: "generate-token", Short: "Print a new token of 256 random bits", Args: exactly(0), Example: "  openclaw gateway generate-token",
		RunE: func(cmd *cobra.Command, _ []string) error { return t.generateToken(cmd.Context(), store) },
	}
	cmd.Flags().BoolVar(&store, "store", false, "keep it as the gateway's token instead of printing it")
	return cmd
}

func (t *terminal) generateToken(ctx context.Context, store bool) error {
	token := keychain.NewSecret([]byte(auth.GenerateToken()))
	defer token.Wipe()
	if !store {
		t.print("%s", token.Reveal())
		return nil
	}
	return t.withGateway(ctx, func(call func(string, any, any) error) error {
		if err := call(wire.MethodSecretSet, wire.SecretSetParams{Name: gatewayTokenName, Value: token.Reveal()}, nil); err != nil {
			return err
		}
		t.print("stored as %s", gatewayTokenName)
		return nil
	})
}

func gatewayStatusCommand(t *terminal) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "status", Short: "Show the gateway's state, listeners and agents", Args: exactly(0), Example: "  openclaw gateway status --json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var o event.Overview
			if err := t.ask(cmd.Context(), wire.MethodOverview, nil, &o); err != nil {
				return err
			}
			if asJSON {
				return t.json(o)
			}
			t.print("running     pid %d, version %s, since %s", o.PID, o.Version, day(o.Started))
			t.print("listens     %s", strings.Join(o.Listeners, ", "))
			t.showTLS(o)
			t.showToken(o.Token)
			t.print("agents      %d, %d running", o.Agents, o.Running)
			t.print("connections %d", o.Connections)
			t.print("denied      %d in the last hour", o.DeniedHour)
			t.print("config      #%d of %s", o.Config.Version, day(o.Config.Active))
			if o.Config.Rejected {
				t.print("            the file on disk is rejected: openclaw config validate")
			}
			t.print("secrets     %s", describeStore(o.Store))
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// showTLS says what the TCP listener shows of itself.
func (t *terminal) showTLS(o event.Overview) {
	if o.AgentsEndpoint != "" {
		t.print("agents at   %s, from their cages only", o.AgentsEndpoint)
	}
	if o.TLS == nil {
		return
	}
	t.print("TLS         %s or later, client certificates: %s", o.TLS.MinVersion, o.TLS.ClientAuth)
	t.print("certificate %s, by %s, ends %s (%d days)", printable(o.TLS.Subject), printable(o.TLS.Issuer), day(o.TLS.NotAfter), o.TLS.Days)
	if o.TLS.Problem != "" {
		t.print("            the files on disk do not load: %s", printable(o.TLS.Problem))
	}
	for _, sentence := range o.TLS.Ends {
		t.print("            %s", printable(sentence))
	}
}

// showToken says how old the gateway's token is and when it ends.
func (t *terminal) showToken(token *event.TokenStatus) {
	if token == nil {
		return
	}
	text := fmt.Sprintf("token       %d days old", token.AgeDays)
	switch {
	case token.Problem != "":
		text += ", " + token.Problem + ": new connections with it are refused"
	case !token.Ends.IsZero() && token.Owned:
		text += ", is replaced on " + day(token.Ends)
	case !token.Ends.IsZero():
		text += ", ends on " + day(token.Ends)
	}
	t.print("%s", printable(text))
	if !token.Grace.IsZero() {
		t.print("            the one before it is taken until %s", token.Grace.Local().Format(time.DateTime))
	}
}

func gatewayStopCommand(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use: "stop", Short: "End the gateway; cages go on refusing", Args: exactly(0), Example: "  openclaw gateway stop",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, err := t.place()
			if err != nil {
				return err
			}
			c, err := p.dial(cmd.Context())
			if err != nil {
				return err
			}
			backend := client.NewBackend(c, nil)
			defer backend.Close()
			if err := backend.StopGateway(cmd.Context()); err != nil {
				return err
			}
			if !p.here() {
				t.print("the gateway at %s was asked to end", printable(p.at.Host+p.at.Socket))
				return nil
			}
			if err := waitGone(cmd.Context(), p.layout); err != nil {
				return err
			}
			t.print("the gateway has ended")
			return nil
		},
	}
}

// waitGone waits until the gateway has given back its socket and its lock: the
// next one can start then.
func waitGone(ctx context.Context, layout configs.Layout) error {
	const patience = 15 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		_, socket := os.Lstat(layout.Socket())
		lock, err := os.Stat(layout.Lock())
		if errors.Is(socket, os.ErrNotExist) && (err != nil || lock.Size() == 0) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the gateway was asked to end and has not within %s", patience)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func gatewayReloadCommand(t *terminal) *cobra.Command {
	return &cobra.Command{
		Use: "reload", Short: "Read the config and the certificates again now", Args: exactly(0), Example: "  openclaw gateway reload",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := t.dial(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			status, err := readAgain(cmd.Context(), c)
			if err != nil {
				return err
			}
			if status.Rejected {
				return t.rejected(status)
			}
			t.printProblems(status)
			t.print("config #%d is active", status.Version)
			return nil
		},
	}
}
