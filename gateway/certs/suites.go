package certs

import (
	"crypto/tls"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sys/cpu"
)

// suites is what a list of cipher suites allows.
//
// Go's TLS has no switch for the suites of version 1.3: it chooses by its own
// order, AES-128 first where both sides have AES hardware and ChaCha20 first
// elsewhere (crypto/tls, pickCipherSuite). So a list is kept by refusing: a hello
// for which Go would choose a suite that is not listed gets version 1.2, if the
// list has suites of it, or no version at all. verify holds the same after the
// choice, for the case that the prediction is wrong.
type suites struct {
	listed bool // there is a list
	modern []uint16
	older  []uint16 // of 1.2; nil with a list means 1.2 has none
}

// olderDefault is version 1.2 without a list: forward secrecy and authenticated
// encryption only. Go's own default has four CBC suites more.
func olderDefault() []uint16 {
	return []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	}
}

func newSuites(names []string) (suites, error) {
	if names == nil {
		return suites{older: olderDefault()}, nil
	}
	s := suites{listed: true}
	for _, name := range names {
		i := slices.IndexFunc(tls.CipherSuites(), func(known *tls.CipherSuite) bool { return known.Name == name })
		if i < 0 {
			return s, &Error{Op: "read cipher_suites", Err: fmt.Errorf("%q is not a secure cipher suite of Go's TLS", name), Hint: "'openclaw config validate' lists what is wrong"}
		}
		suite := tls.CipherSuites()[i]
		if slices.Contains(suite.SupportedVersions, tls.VersionTLS13) {
			s.modern = append(s.modern, suite.ID)
		} else {
			s.older = append(s.older, suite.ID)
		}
	}
	if first := preferred(); len(s.modern) > 0 && !slices.Contains(s.modern, first) {
		return s, &Error{
			Op:   "read cipher_suites",
			Err:  fmt.Errorf("a list without %[1]s cannot be kept to: on this machine Go's TLS 1.3 chooses %[1]s for every client that offers it, and has no switch", tls.CipherSuiteName(first)),
			Hint: "add " + tls.CipherSuiteName(first) + ", or remove cipher_suites",
		}
	}
	return s, nil
}

// versions are what the list leaves of the versions from min on.
func (s suites) versions(lowest uint16) (low, high uint16, err error) {
	low, high = lowest, tls.VersionTLS13
	if !s.listed {
		return low, high, nil
	}
	if len(s.modern) == 0 {
		high = tls.VersionTLS12
	}
	if len(s.older) == 0 {
		low = tls.VersionTLS13
	}
	if low > high {
		return low, high, &Error{Op: "read cipher_suites", Err: fmt.Errorf("no suite of the list belongs to a version that min_tls_version allows"), Hint: "add suites, lower min_tls_version, or remove cipher_suites"}
	}
	return low, high, nil
}

// keeps reports whether Go's choice for a hello is in the list.
func (s suites) keeps(offered []uint16) bool {
	if !s.listed || len(s.modern) == 0 {
		return true
	}
	choice := choiceFor(offered)
	return choice == 0 || slices.Contains(s.modern, choice)
}

// verify is the list's last word on a handshake.
func (s suites) verify(state tls.ConnectionState) error {
	if !s.listed || slices.Contains(s.modern, state.CipherSuite) || slices.Contains(s.older, state.CipherSuite) {
		return nil
	}
	return fmt.Errorf("the cipher suite %s is not in cipher_suites", tls.CipherSuiteName(state.CipherSuite))
}

// preferred is what Go's server chooses for a client that offers everything.
func preferred() uint16 {
	if aesHardware() {
		return tls.TLS_AES_128_GCM_SHA256
	}
	return tls.TLS_CHACHA20_POLY1305_SHA256
}

// choiceFor is Go's choice among what a client offers; 0: none.
func choiceFor(offered []uint16) uint16 {
	order := []uint16{tls.TLS_CHACHA20_POLY1305_SHA256, tls.TLS_AES_128_GCM_SHA256, tls.TLS_AES_256_GCM_SHA384}
	if aesHardware() && prefersAES(offered) {
		order = []uint16{tls.TLS_AES_128_GCM_SHA256, tls.TLS_AES_256_GCM_SHA384, tls.TLS_CHACHA20_POLY1305_SHA256}
	}
	for _, suite := range order {
		if slices.Contains(offered, suite) {
			return suite
		}
	}
	return 0
}

// prefersAES is Go's isAESGCMPreferred: the first suite of the offer that Go knows
// is one of AES-GCM.
func prefersAES(offered []uint16) bool {
	aes := []uint16{
		tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_AES_128_GCM_SHA256, tls.TLS_AES_256_GCM_SHA384,
	}
	for _, suite := range offered {
		if slices.ContainsFunc(slices.Concat(tls.CipherSuites(), tls.InsecureCipherSuites()), func(known *tls.CipherSuite) bool { return known.ID == suite }) {
			return slices.Contains(aes, suite)
		}
	}
	return false
}

// aesHardware is crypto/tls's hasAESGCMHardwareSupport.
func aesHardware() bool {
	switch runtime.GOARCH {
	case "amd64":
		return cpu.X86.HasAES && cpu.X86.HasPCLMULQDQ && cpu.X86.HasSSE41 && cpu.X86.HasSSSE3
	case "arm64":
		return cpu.ARM64.HasAES && cpu.ARM64.HasPMULL || runtime.GOOS == "darwin"
	case "s390x":
		return cpu.S390X.HasAES && cpu.S390X.HasAESCTR && cpu.S390X.HasGHASH
	case "ppc64", "ppc64le":
		return true
	}
	return false
}
