package sandbox_test

import (
	"net"
	"testing"

	"github.com/deployrecords/deployrecords/internal/sandbox"
)

func TestBaseURLIsReachableOnThisMachine(t *testing.T) {
	for _, c := range []struct {
		address net.TCPAddr
		want    string
	}{
		{net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 43117}, "http://127.0.0.1:43117"},
		{net.TCPAddr{IP: net.IPv4zero, Port: 80}, "http://127.0.0.1:80"},
		{net.TCPAddr{IP: net.IPv6unspecified, Port: 80}, "http://[::1]:80"},
		{net.TCPAddr{IP: net.IPv6loopback, Port: 80}, "http://[::1]:80"},
		{net.TCPAddr{IP: net.ParseIP("fe80::1"), Port: 80, Zone: "eth0"}, "http://[fe80::1%25eth0]:80"},
	} {
		if got := sandbox.BaseURL(&c.address); got != c.want {
			t.Errorf("%v: got %s, want %s", c.address, got, c.want)
		}
	}
}
