package configs

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ParseSize reads a number of bytes such as "512MB", "4GB" or "1048576". KB, MB,
// GB, TB and KiB, MiB, GiB, TiB are all powers of 1024, as in systemd and
// Docker. Less than 1 MiB is an error: no program runs in it.
func ParseSize(text string) (int64, error) {
	upper := strings.ToUpper(strings.TrimSpace(text))
	digits := strings.TrimRight(upper, "KMGTIB ")
	unit := strings.TrimSpace(strings.TrimSuffix(strings.TrimSuffix(upper[len(digits):], "B"), "I"))
	shifts := map[string]float64{"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
	factor, ok := shifts[unit]
	n, err := strconv.ParseFloat(digits, 64)
	size := n * factor
	if !ok || err != nil || math.IsNaN(size) || size < 1<<20 || size > 1<<60 {
		return 0, fmt.Errorf("%q is not a size", text)
	}
	return int64(size), nil
}

// parseCores reads a number of processor cores such as "1.5" or "2" in
// thousandths, rounded up.
func parseCores(text string) (int64, error) {
	cores, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || !(cores > 0) || cores > 4096 {
		return 0, fmt.Errorf("%q is not a number of cores", text)
	}
	return int64(math.Ceil(cores*1000 - 1e-9)), nil
}
