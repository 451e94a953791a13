// gomemcache (Go): text; every get is a gets.
package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
)

const patience = 5 * time.Second

func check(what string, found, wanted interface{}) {
	if found != wanted {
		fmt.Fprintf(os.Stderr, "%s: %.500v instead of %.500v\n", what, found, wanted)
		os.Exit(1)
	}
}

func eventually(what string, find func() string, wanted string) {
	deadline := time.Now().Add(patience)
	for {
		found := find()
		if found == wanted {
			return
		}
		if time.Now().After(deadline) {
			check(what+" on the other node", found, wanted)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func clientOf(at string) *memcache.Client {
	client := memcache.New(at)
	client.Timeout = 2 * time.Second
	return client
}

func value(client *memcache.Client, key string) string {
	item, err := client.Get(key)
	if err != nil {
		return err.Error()
	}
	return string(item.Value)
}

func item(key, value string) *memcache.Item {
	return &memcache.Item{Key: key, Value: []byte(value), Flags: 7, Expiration: 100}
}

func everything(prefix, here, there string) {
	client, other := clientOf(here), clientOf(there)
	missing := memcache.ErrCacheMiss.Error()
	k := func(name string) string { return prefix + name }
	check("Set", client.Set(item(k("text"), "one")), nil)
	check("Get", value(client, k("text")), "one")
	check("Add what is there", client.Add(item(k("text"), "x")), memcache.ErrNotStored)
	check("Add", client.Add(item(k("new"), "n")), nil)
	check("Replace", client.Replace(item(k("new"), "other")), nil)
	check("Replace nothing", client.Replace(item(k("absent"), "x")), memcache.ErrNotStored)
	many, err := client.GetMulti([]string{k("text"), k("new"), k("absent")})
	check("GetMulti's error", err, nil)
	check("GetMulti", len(many), 2)
	check("flags", many[k("text")].Flags, uint32(7))
	swapped := many[k("new")]
	swapped.Value = []byte("swapped")
	check("CompareAndSwap", client.CompareAndSwap(swapped), nil)
	check("and again", client.CompareAndSwap(swapped), memcache.ErrCASConflict)
	check("Set a number", client.Set(item(k("n"), "9")), nil)
	number, err := client.Increment(k("n"), 5)
	check("Increment", number, uint64(14))
	number, err = client.Decrement(k("n"), 100)
	check("Decrement", number, uint64(0))
	_, err = client.Increment(k("absent"), 1)
	check("Increment of nothing", err, memcache.ErrCacheMiss)
	check("Touch", client.Touch(k("text"), 100), nil)
	check("Touch of nothing", client.Touch(k("absent"), 100), memcache.ErrCacheMiss)
	big := strings.Repeat("x", 1000000)
	check("Set a large value", client.Set(item(k("big"), big)), nil)
	eventually("CompareAndSwap", func() string { return value(other, k("new")) }, "swapped")
	eventually("a large value", func() string { return value(other, k("big")) }, big)
	check("Delete", client.Delete(k("new")), nil)
	check("Delete of nothing", client.Delete(k("new")), memcache.ErrCacheMiss)
	eventually("a delete", func() string { return value(other, k("new")) }, missing)
	check("DeleteAll", client.DeleteAll(), nil)
	check("Get after it", value(client, k("text")), missing)
	eventually("DeleteAll", func() string { return value(other, k("text")) }, missing)
	check("FlushAll", client.FlushAll(), nil)
}

func inALoop(prefix, at, seconds string) {
	client := clientOf(at)
	length, _ := strconv.ParseFloat(seconds, 64)
	end := time.Now().Add(time.Duration(length * float64(time.Second)))
	for number := 0; time.Now().Before(end); number++ {
		key := fmt.Sprintf("%s-%d", prefix, number)
		if err := client.Set(item(key, key)); err != nil {
			fmt.Println("no", err)
		} else if found := value(client, key); found != key {
			fmt.Println("no", found)
		} else {
			fmt.Println("ok", key)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func main() {
	if os.Args[1] == "everything" {
		everything(os.Args[3], os.Args[4], os.Args[5])
	} else {
		inALoop(os.Args[3], os.Args[4], os.Args[5])
	}
	fmt.Println("done")
}
