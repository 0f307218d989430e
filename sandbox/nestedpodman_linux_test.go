package sandbox_test

import (
	"strings"
	"testing"
)

// podman is what a container engine needs of a person inside a cage. A tree with a
// folder in the place of the control groups, which a cage has not; a root of one's
// own, because Debian's podman makes none in a namespace that has one user; no
// keyring and no host name, which the call filter refuses; no control group; and
// its output by its log, because it reaches the running container by the name of a
// descriptor, which is no path of the cage's own.
const podman = `
mkdir -p root/bin root/dev root/etc root/proc root/run root/sys root/tmp && cp -L /bin/sh /bin/cat /usr/bin/id root/bin/ &&
for each in $(ldd /bin/sh /bin/cat /usr/bin/id | grep -o '/[^ :]*' | sort -u); do mkdir -p "root${each%/*}"; cp -L "$each" "root$each"; done
cat > /tmp/inner <<'E'
export HOME=/tmp CONTAINERS_CONF=/tmp/containers.conf _CONTAINERS_USERNS_CONFIGURED=done _CONTAINERS_ROOTLESS_UID=$1
printf '[containers]\nkeyring=false\n' > $CONTAINERS_CONF
p() { podman --root $PWD/c --runroot /tmp/r --tmpdir /tmp/t --storage-driver vfs --cgroup-manager cgroupfs --events-backend file --runtime crun "$@"; }
p run -d --name one --cgroups=disabled --uts host --network none --log-driver k8s-file --rootfs $PWD/root /bin/sh -c 'echo container of $(id -u), process $$; echo made > /made; cat /etc/passwd '$PWD'/secret/key; exit 7' &&
echo ended $(p wait one) && p logs one
E
bwrap --unshare-user --unshare-pid --uid 0 --gid 0 --cap-add ALL --ro-bind /usr /usr --ro-bind /etc /etc --symlink usr/bin /bin --symlink usr/sbin /sbin \
--symlink usr/lib /lib --symlink usr/lib64 /lib64 --proc /proc --dev /dev --tmpfs /run --tmpfs /var --tmpfs /sys --dir /sys/fs/cgroup \
--bind $PWD $PWD --bind /tmp /tmp --chdir $PWD sh /tmp/inner $(id -u) 2>&1`

// Podman runs a container inside, without a network and from a root folder.
func TestNestedPodmanAsOrdinaryUser(t *testing.T) {
	for _, name := range []string{"podman", "crun", "bwrap"} {
		requireTool(t, name)
	}
	if !nestedUser(t) {
		return
	}
	w := nestedWorld(t)
	script := "cd ~/project" + podman
	res := w.sh(script)
	for _, want := range []string{"container of 0, process 1\n", "ended 7\n"} {
		if !strings.Contains(res.out, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(res.out, "root:") || strings.Contains(res.out, "project's key") || !w.exists("project/root/made") {
		t.Error("not what a container has")
	}
	if t.Failed() {
		t.Logf("%s\n%s\n%q", res.out, res.err, w.brief(res.denials))
	}
	w.perms.Nested = nil
	if res := w.sh(script); strings.Contains(res.out, "container of") || !refusedNesting(res.denials) {
		t.Errorf("without the switch: %s\n%q", res.out, w.brief(res.denials))
	}
}
