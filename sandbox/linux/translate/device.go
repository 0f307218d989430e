package translate

import (
	"errors"
	"fmt"
	"io"
	"os"
)

const checksumLeft = 1 // VIRTIO_NET_HDR_F_NEEDS_CSUM

// Serve translates the packets of device until it is closed or its read
// deadline has passed; then it returns nil. device is a TUN device whose
// packets are preceded by a virtio header and nothing else (IFF_NO_PI,
// IFF_VNET_HDR). It stays the caller's.
func (t *Translator) Serve(device io.ReadWriter) error {
	buffer := make([]byte, vnetHeader+MTU)
	for {
		n, err := device.Read(buffer)
		if errors.Is(err, os.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read packet of the cage: %w", err)
		}
		if n <= vnetHeader {
			continue
		}
		out, whole := t.translate(buffer[vnetHeader:n], buffer[0]&checksumLeft != 0)
		switch {
		case out == nil:
			continue
		case whole:
			out = append(make([]byte, vnetHeader, vnetHeader+len(out)), out...)
		default:
			out = buffer[:n]
		}
		// A packet that the kernel does not take is one that was lost on the
		// way: TCP sends it again.
		if _, err := device.Write(out); errors.Is(err, os.ErrClosed) {
			return nil
		}
	}
}
