package view

import (
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// Width is the number of cells that printable text takes.
func Width(s string) int {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return ansi.StringWidth(s)
		}
	}
	return len(s)
}

// AppendAge adds a duration in at most seven characters.
func AppendAge(dst []byte, d time.Duration) []byte {
	d = max(d, 0)
	switch {
	case d < time.Minute:
		return append(strconv.AppendInt(dst, int64(d/time.Second), 10), 's')
	case d < time.Hour:
		return append(strconv.AppendInt(dst, int64(d/time.Minute), 10), 'm')
	case d < 24*time.Hour:
		dst = append(strconv.AppendInt(dst, int64(d/time.Hour), 10), "h "...)
		return append(strconv.AppendInt(dst, int64(d%time.Hour/time.Minute), 10), 'm')
	}
	return append(strconv.AppendInt(dst, int64(d/(24*time.Hour)), 10), 'd')
}

// AppendLeft adds the time that is left: "0:48", "12:05", from an hour on as
// AppendAge does.
func AppendLeft(dst []byte, d time.Duration) []byte {
	d = max(d, 0)
	if d >= time.Hour {
		return AppendAge(dst, d)
	}
	seconds := int64((d + time.Second - 1) / time.Second) // what is not over is not nothing
	dst = append(strconv.AppendInt(dst, seconds/60, 10), ':', byte('0'+seconds%60/10))
	return append(dst, byte('0'+seconds%10))
}

// AppendSize adds a number of bytes in decimal units.
func AppendSize(dst []byte, n int64) []byte {
	if n < 1000 {
		return append(strconv.AppendInt(dst, n, 10), " B"...)
	}
	value, unit := float64(n), 0
	for value >= 999.5 && unit < 4 {
		value /= 1000
		unit++
	}
	digits := 0
	if value < 9.95 {
		digits = 1
	}
	dst = strconv.AppendFloat(dst, value, 'f', digits, 64)
	return append(append(dst, ' ', " kMGT"[unit]), 'B')
}
