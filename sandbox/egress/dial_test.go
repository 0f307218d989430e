package egress

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

// twoFamilies is a name with two addresses of each family, IPv6 first.
func twoFamilies(context.Context, string) ([]netip.Addr, error) {
	var all []netip.Addr
	for _, address := range []string{"2606:2800::1", "2606:2800::2", "93.184.216.34", "93.184.216.35"} {
		all = append(all, netip.MustParseAddr(address))
	}
	return all, nil
}

// Where IPv6 leads nowhere a name is reached by its IPv4 address while the other one
// is still being tried, and what is tried is given up then.
func TestOtherFamilyIsNotWaitedFor(t *testing.T) {
	server, _ := echo(t)
	reached, tried := make(chan struct{}), make(chan struct{})
	c := newCage(t, Options{Policy: allowing(t, "good.example"), Lookup: twoFamilies, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		if network == "tcp4" {
			close(reached)
			return (&net.Dialer{}).DialContext(ctx, "tcp", server)
		}
		defer close(tried)
		select {
		case <-reached:
		case <-ctx.Done():
			t.Error("the first address was waited for until its time was up")
		}
		<-ctx.Done()
		return nil, ctx.Err()
	}}, "")
	conn := c.dialName("good.example.", "7000")
	if _, err := conn.Write([]byte("1\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	<-tried
	c.until("its address", func() bool { return len(c.connections) > 0 && c.connections[0].Address == "93.184.216.34:7000" })
}

// Every address of both families is tried, in their order, before a name
// is given up, and what is told is why the first one failed.
func TestEveryAddressIsTried(t *testing.T) {
	dialled := make(chan string, 8)
	c := newCage(t, Options{Policy: allowing(t, "good.example"), Lookup: twoFamilies, Dial: func(_ context.Context, network, address string) (net.Conn, error) {
		dialled <- address
		return nil, errors.New(network + " leads nowhere")
	}}, "")
	conn := c.dialName("good.example.", "7000")
	wantReset(t, conn)
	c.until("its end", func() bool { return len(c.connections) > 0 })
	close(dialled)
	var all []string
	for address := range dialled {
		all = append(all, address)
	}
	want := []string{"[2606:2800::1]:7000", "[2606:2800::2]:7000", "93.184.216.34:7000", "93.184.216.35:7000"}
	if !slices.Equal(all, want) || !strings.Contains(c.connections[0].Error, "tcp6 leads nowhere") {
		t.Errorf("dialled %q, and told %q", all, c.connections[0].Error)
	}
}
