package sandbox

// NestedPrograms says, one a line for a person, which programs are known to
// build their sandbox inside a cage with `nested: true`, and what to do about
// those that cannot. Versions: bubblewrap 0.8, codex 0.171, Chromium 156, crun
// 1.8, runc 1.1, podman 4.3, sandbox-runtime 0.0.78.
func NestedPrograms() []string {
	return []string{
		"works: bubblewrap; Codex's sandbox; Claude Code's own sandbox (npm @anthropic-ai/sandbox-runtime, with its proxies); Chromium with its own sandbox (give it --user-data-dir in an allowed folder or /tmp); unshare -Urm and chroot into a container's root folder",
		"works with help: podman with crun. Start it by bubblewrap as --uid 0 --gid 0 --cap-add ALL, with --tmpfs /run, --tmpfs /var, --tmpfs /sys and --dir /sys/fs/cgroup (it insists on that folder, and a cage has no /sys); set _CONTAINERS_USERNS_CONFIGURED=done, _CONTAINERS_ROOTLESS_UID to your number, and keyring=false below [containers] of CONTAINERS_CONF; give it --storage-driver vfs --cgroup-manager cgroupfs --runtime crun, and run -d --cgroups=disabled --uts host --network none; read its output by podman logs, because attaching is refused",
		"does not work: runc, which insists on control groups, and podman or crun without that help; buildah was not tried; start the container's root folder by bubblewrap or unshare instead",
		"does not work: containers with more than one user, because newuidmap is a set-uid program and those gain nothing here; map the one user instead (unshare -r, bwrap --uid 0)",
	}
}
