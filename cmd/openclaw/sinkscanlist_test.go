package main

// inProcess are packages that reach nothing outside of the program by themselves: what they
// write goes to what they are given.
const inProcess = `
archive/tar bufio bytes cmp compress/gzip container/list context crypto/aes crypto/cipher crypto/ecdsa crypto/ed25519 crypto/elliptic crypto/fips140
crypto/hkdf crypto/pbkdf2 crypto/rand crypto/sha1 crypto/sha256 crypto/subtle crypto/tls crypto/x509 crypto/x509/pkix encoding encoding/asn1 encoding/base32 encoding/base64
encoding/binary encoding/hex encoding/json encoding/pem encoding/xml errors filippo.io/age filippo.io/age/agessh filippo.io/age/armor
github.com/aws/aws-sdk-go-v2/aws/signer/v4 github.com/charmbracelet/bubbles/key github.com/charmbracelet/x/ansi github.com/google/nftables/binaryutil
github.com/google/uuid github.com/joho/godotenv github.com/spf13/pflag golang.org/x/crypto/argon2 golang.org/x/crypto/chacha20
golang.org/x/crypto/chacha20poly1305 golang.org/x/crypto/ocsp golang.org/x/crypto/ssh golang.org/x/net/dns/dnsmessage golang.org/x/net/http/httpguts golang.org/x/net/http2/hpack golang.org/x/net/idna golang.org/x/net/publicsuffix
golang.org/x/oauth2 golang.org/x/sys/cpu golang.org/x/time/rate gopkg.in/yaml.v3 hash hash/crc32 hash/fnv hash/maphash html io io/fs maps math math/big math/bits
math/rand/v2 mime net/mail net/netip net/textproto net/url path path/filepath reflect regexp regexp/syntax slices sort strconv strings sync sync/atomic
text/tabwriter text/template time unicode unicode/utf16 unicode/utf8 unsafe`

// harmless is what is used of the packages that do reach out, and that makes no new way: it
// reads, asks, names, closes or removes, or writes to what another call opened. Everything
// else of these packages is a way out.
var harmless = map[string]string{ //nolint:gochecknoglobals // a table
	"database/sql": "DB.BeginTx DB.Close DB.QueryContext DB.QueryRowContext DB.SetConnMaxIdleTime DB.SetMaxOpenConns ErrNoRows Result.RowsAffected Row.Scan Rows.Close Rows.Err Rows.Next " +
		"Rows.Scan Tx.Commit Tx.ExecContext Tx.QueryRowContext Tx.Rollback",
	"fmt": "Appendf Errorf Fprint Fprintf Fprintln Fscanf Fscanln Sprint Sprintf Sscan Sscanf State.Write",
	"github.com/charmbracelet/bubbletea": "Batch ClearScreen DisableMouse EnableMouseCellMotion KeyMsg.String Program.Quit Program.Run Program.Send Quit Suspend Tick WithAltScreen WithFPS WithInput WithOutput " +
		"WithoutCatchPanics WithoutSignalHandler",
	"github.com/coreos/go-systemd/v22/activation": "",
	"github.com/coreos/go-systemd/v22/daemon":     "SdNotifyMonotonicUsec SdWatchdogEnabled",
	"github.com/creack/pty":                       "Setsize",
	"github.com/fsnotify/fsnotify":                "NewWatcher Watcher.Add Watcher.Close",
	"github.com/godbus/dbus/v5": "BusObject.Call BusObject.CallWithContext BusObject.GetProperty BusObject.Go Call.Store Conn.AddMatchSignal Conn.AddMatchSignalContext Conn.Auth Conn.BusObject Conn.Close " +
		"Conn.Connected Conn.Hello Conn.Object Conn.RemoveMatchSignal Conn.RemoveSignal Conn.Signal ErrClosed MakeVariant Variant.Value WithMatchArg WithMatchInterface " +
		"WithMatchMember WithMatchObjectPath",
	"github.com/google/nftables": "ChainHookOutput ChainPriorityFilter ChainPriorityNATDest Conn.AddChain Conn.AddRule Conn.AddTable Conn.Flush",
	"github.com/gorilla/websocket": "Conn.Close Conn.NetConn Conn.NextReader Conn.ReadMessage Conn.SetPingHandler Conn.SetPongHandler Conn.SetReadDeadline Conn.SetReadLimit Conn.SetWriteDeadline " +
		"Conn.WriteControl Conn.WriteMessage ErrBadHandshake ErrReadLimit FormatCloseMessage IsWebSocketUpgrade",
	"github.com/hanwen/go-fuse/v2/fuse": "Attr.FromStat DirEntry.Parse DirEntryList.AddDirEntry EntryOut.SetEntryTimeout GetAttrIn.Fh GetAttrIn.Flags NewDefaultRawFileSystem ReadResultData Server.Serve " +
		"SetAttrInCommon.GetATime SetAttrInCommon.GetFh SetAttrInCommon.GetGID SetAttrInCommon.GetMTime SetAttrInCommon.GetMode SetAttrInCommon.GetSize SetAttrInCommon.GetUID " +
		"StatfsOut.FromStatfsT ToStatus protocolServer.EntryNotify protocolServer.InodeNotify",
	"github.com/muesli/cancelreader": "CancelReader.Cancel NewReader",
	"github.com/spf13/cobra": "ArbitraryArgs Command.AddCommand Command.ArgsLenAtDash Command.CommandPath Command.Context Command.ExecuteContext Command.Flags Command.Help Command.MarkFlagRequired " +
		"Command.MarkFlagsMutuallyExclusive Command.PersistentFlags Command.RegisterFlagCompletionFunc Command.SetArgs Command.SetErr Command.SetFlagErrorFunc Command.SetOut " +
		"Command.SuggestionsFor Command.UseLine FixedCompletions MaximumNArgs MinimumNArgs RangeArgs",
	"github.com/vishvananda/netlink":  "AddrAdd Link.Attrs LinkByName LinkSetMTU LinkSetUp NewRule NewRulePortRange RouteAdd",
	"github.com/zalando/go-keyring":   "Delete ErrNotFound ErrSetDataTooBig ErrUnsupportedPlatform Get",
	"golang.org/x/net/http/httpproxy": "Config.ProxyFunc",
	"golang.org/x/oauth2/google":      "CredentialsFromJSONWithType",
	"golang.org/x/sys/unix": "Accept4 Access Bind ByteSliceToString Capget Capset Chdir Chmod ClockGettime Close CloseOnExec CloseRange CmsgSpace Dup Dup2 Dup3 EpollCreate1 EpollCtl EpollWait Eventfd Faccessat Fallocate Fchmodat " +
		"Fchownat FcntlFlock FcntlInt FdSet.IsSet FdSet.Set Flock FsconfigCreate Fsmount Fsopen Fstat Fstatat Fstatfs Fsync Ftruncate Getdents Getegid Geteuid Getgid Getgroups Getpagesize Getpeername Getpgid " +
		"Getpgrp Getppid Getrlimit Getsid Getsockname GetsockoptIPv6MTUInfo GetsockoptIPv6Mreq GetsockoptInt GetsockoptTCPInfo GetsockoptTimeval GetsockoptUcred GetsockoptUint64 GetsockoptXucred " +
		"Getuid Getxattr Ifreq.SetUint16 InotifyAddWatch InotifyInit1 InotifyRmWatch IoctlGetInt IoctlGetTermios IoctlGetWinsize IoctlIfreq IoctlSetInt IoctlSetPointerInt IoctlSetTermios " +
		"IoctlSetWinsize Iovec.SetLen Kill LOCAL_PEERCRED LOCAL_PEERPID Linkat Listen Listxattr Lstat Madvise Major Minor Mkdir Mkdirat Mlock Mmap Mount MountSetattr MoveMount Munmap " +
		"NewIfreq NsecToTimespec NsecToTimeval OpenTree ParseSocketControlMessage ParseUnixRights PidfdGetfd PidfdOpen PidfdSendSignal PivotRoot Poll Prctl PrctlRetInt Pread " +
		"Prlimit ProcessVMReadv PthreadSigmask Pwrite Read Readlinkat Recvfrom Recvmsg Removexattr Renameat2 Rmdir SOL_LOCAL Seek Select SetNonblock Setrlimit SetsockoptInt " +
		"SetsockoptTimeval Shutdown Socketpair Stat Statx SysctlKinfoProcSlice TIOCGETA TIOCSETA Timespec.Nano Timeval.Nano Truncate Uname UnixRights Unlink Unlinkat Unmount Utimes UtimesNanoAt " +
		"Wait4 WaitStatus.ExitStatus WaitStatus.Signal WaitStatus.Signaled WaitStatus.StopSignal WaitStatus.Stopped Write",
	"golang.org/x/sys/windows": "ERROR_ACCESS_DENIED ERROR_LOCK_VIOLATION ERROR_NOT_FOUND ERROR_NO_SUCH_LOGON_SESSION Handle LOCKFILE_EXCLUSIVE_LOCK LOCKFILE_FAIL_IMMEDIATELY LockFileEx Overlapped " +
		"RPC_X_BAD_STUB_DATA",
	"golang.org/x/term": "GetSize IsTerminal MakeRaw ReadPassword Restore",
	"log":               "SetFlags",
	"log/slog": "Any AnyValue Bool DiscardHandler Duration GroupValue Handler.Enabled Handler.Handle Handler.WithAttrs Handler.WithGroup Int Level.String LevelVar.Set Logger.Error " +
		"Logger.Handler Logger.Info Logger.Log Logger.Warn Logger.With NewRecord Record.AddAttrs Record.Attrs String StringValue Time Uint64 Value.Any Value.Group Value.Kind " +
		"Value.Resolve Value.String Value.Time",
	"modernc.org/sqlite": "Error.Code",
	"net": "Addr.Network Addr.String CIDRMask Conn.Close Conn.LocalAddr Conn.Read Conn.RemoteAddr Conn.SetDeadline Conn.SetReadDeadline Conn.SetWriteDeadline Conn.Write DefaultResolver ErrClosed " +
		"Error.Timeout IP.IsLinkLocalUnicast IP.IsLoopback IP.String IP.To4 IPv4zero IPv6zero InterfaceAddrs JoinHostPort Listener.Accept Listener.Addr Listener.Close " +
		"PacketConn.Close PacketConn.ReadFrom PacketConn.WriteTo ParseIP Pipe Resolver.LookupNetIP SplitHostPort TCPAddr.AddrPort TCPConn.SetLinger TCPConn.SyscallConn " +
		"UDPAddr.AddrPort UnixConn.SyscallConn conn.RemoteAddr",
	"net/http": "CanonicalHeaderKey Client.CloseIdleConnections ErrAbortHandler ErrNotSupported ErrServerClosed ErrUseLastResponse Handler.ServeHTTP Header.Clone Header.Del Header.Get " +
		"Header.Set Header.Values Header.Write Hijacker.Hijack MaxBytesReader NewRequestWithContext NewResponseController NoBody ParseTime Protocols.SetHTTP1 ProxyFromEnvironment " +
		"ReadRequest ReadResponse Redirect Request.Context Request.WithContext ResponseController.Flush ResponseController.Hijack ResponseController.SetReadDeadline " +
		"ResponseController.SetWriteDeadline ResponseWriter.Header ResponseWriter.Write ResponseWriter.WriteHeader Server.Close Server.SetKeepAlivesEnabled Server.Shutdown " +
		"StatusText Transport.CloseIdleConnections",
	"net/http/httputil": "ProxyRequest.SetURL",
	"os": "Args Chdir Chmod Chown Chtimes Environ ErrClosed ErrDeadlineExceeded ErrNotExist ErrPermission ErrProcessDone Executable Exit File.Chmod File.Chown File.Close File.Fd " +
		"File.Name File.Read File.ReadAt File.ReadDir File.Seek File.SetReadDeadline File.Stat File.Sync File.SyscallConn File.Truncate File.Write File.WriteAt File.WriteString " +
		"FindProcess Getegid Getenv Geteuid Getgid Getpagesize Getpid Getppid Getuid Getwd Hostname Interrupt IsNotExist Link Lstat Mkdir MkdirAll NewSyscallError Open Pipe Process.Kill " +
		"Process.Release Process.Signal Process.Wait ProcessState.ExitCode ProcessState.String ProcessState.Sys ReadDir ReadFile Readlink Remove RemoveAll Rename Root.Close " +
		"Root.Lstat Root.MkdirAll Root.RemoveAll Root.Rename SameFile Stat Stdin Unsetenv UserHomeDir",
	"os/exec":       "Cmd.CombinedOutput Cmd.Output Cmd.Run Cmd.Start Cmd.StdinPipe Cmd.StdoutPipe Cmd.Wait ErrNotFound LookPath",
	"os/signal":     "Ignore Ignored Notify NotifyContext Stop",
	"os/user":       "Current Lookup",
	"runtime":       "GC GOMAXPROCS KeepAlive LockOSThread NumCPU NumGoroutine ReadMemStats UnlockOSThread Version",
	"runtime/debug": "FreeOSMemory ReadBuildInfo SetGCPercent Stack",
	"syscall":       "Conn.SyscallConn Flock ForkLock Fstat Fstatfs Kill RawConn.Control RawConn.Read RawConn.Write Read WaitStatus.Signal WaitStatus.Signaled",
	"testing":       "T.Parallel T.Run common.Cleanup common.Context common.Fatal common.Fatalf common.Helper common.Logf common.Name common.Skip",
}

// carriers are functions of our own that write what they are given, or give out what does:
// each use of one is a way out of its own. So are the standard streams of a command.
var carriers = []string{ //nolint:gochecknoglobals // a table
	"cmd/openclaw err", "cmd/openclaw out", "cmd/openclaw writeNew", "configs ReplaceFile", "configs createFile", "configs replaceFile", "configs writeBeside",
	"gateway/audit Open", "gateway/certs/authority Write", "gateway/certs/authority WritePair", "gateway/event NewBus", "gateway/logs Open", "gateway/spool NewWriter", "gateway/store New",
	"gateway/supervise writeOnce", "keychain/internal/file Replace", "tui writeNew", "tui/desktop New",
}
