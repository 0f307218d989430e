package sandbox

// NestedPrograms says, one a line for a person, which programs are known to
// build their sandbox inside a cage with `nested: true`, and what to do about
// those that cannot. Versions: bubblewrap 0.8, codex 0.171, Chromium 156, crun
// 1.8, runc 1.1, podman 4.3, sandbox-runtime 0.0.78.
func NestedPrograms() []string {
	return []string{
		"works: bubblewrap; Codex's sandbox; Claude Code's own sandbox (npm @anthropic-ai/sandbox-runtime, with its proxies); Chromium with its own sandbox (give it --user-data-dir in an allowed folder or /tmp); unshare -Urm and chroot into a container's root folder",
		"does not work: crun and runc, which insist on control groups below /sys/fs/cgroup, and a cage has no /sys; podman and buildah did not start either; start the container's root folder by bubblewrap or unshare instead",
		"does not work: containers with more than one user, because newuidmap is a set-uid program and those gain nothing here; map the one user instead (unshare -r, bwrap --uid 0)",
	}
}
