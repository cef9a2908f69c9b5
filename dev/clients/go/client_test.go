// Package clients runs go-redis with its default settings against a store. The environment variable
// MAQUETTE_STORE has the store's address.
package clients

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func connect(t *testing.T) (context.Context, *redis.Client) {
	address := os.Getenv("MAQUETTE_STORE")
	if address == "" {
		t.Fatal("MAQUETTE_STORE has no address of a store")
	}
	client := redis.NewClient(&redis.Options{Addr: address})
	t.Cleanup(func() { _ = client.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx, client
}

func must[T comparable](t *testing.T, got T, err error, want T) {
	t.Helper()
	if err != nil || got != want {
		t.Fatalf("got %v (%v), want %v", got, err, want)
	}
}

func TestCommands(t *testing.T) {
	ctx, client := connect(t)
	got, err := client.Set(ctx, "go/a", "1", time.Minute).Result()
	must(t, got, err, "OK")
	ttl, err := client.TTL(ctx, "go/a").Result()
	must(t, ttl, err, time.Minute)
	got, err = client.Get(ctx, "go/a").Result()
	must(t, got, err, "1")
	if _, err := client.Get(ctx, "go/none").Result(); !errors.Is(err, redis.Nil) {
		t.Fatalf("a missing key: %v", err)
	}
	is, err := client.SetNX(ctx, "go/a", "2", 0).Result()
	must(t, is, err, false)
	got, err = client.MSet(ctx, "go/b", "2", "go/c", "3").Result()
	must(t, got, err, "OK")
	values, err := client.MGet(ctx, "go/a", "go/none", "go/c").Result()
	if err != nil || values[0] != "1" || values[1] != nil || values[2] != "3" {
		t.Fatalf("MGET: %v (%v)", values, err)
	}
	is, err = client.Expire(ctx, "go/b", time.Hour).Result()
	must(t, is, err, true)
	is, err = client.Persist(ctx, "go/b").Result()
	must(t, is, err, true)
	iterator := client.ScanType(ctx, 0, "go/*", 10, "string").Iterator()
	found := 0
	for iterator.Next(ctx) {
		found++
	}
	must(t, found, iterator.Err(), 3)
	count, err := client.Del(ctx, "go/a", "go/b", "go/c", "go/none").Result()
	must(t, count, err, 3)
}

func TestTransactions(t *testing.T) {
	ctx, client := connect(t)
	var got *redis.StringCmd
	_, err := client.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.Set(ctx, "go/tx", "1", 0)
		got = pipe.Get(ctx, "go/tx")
		return nil
	})
	must(t, got.Val(), err, "1")
	err = client.Watch(ctx, func(tx *redis.Tx) error {
		if err := client.Set(ctx, "go/tx", "2", 0).Err(); err != nil {
			return err
		}
		_, err := tx.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
			pipe.Set(ctx, "go/tx", "3", 0)
			return nil
		})
		return err
	}, "go/tx")
	if !errors.Is(err, redis.TxFailedErr) {
		t.Fatalf("a watched key changed: %v", err)
	}
	value, err := client.Get(ctx, "go/tx").Result()
	must(t, value, err, "2")
}

func TestErrors(t *testing.T) {
	ctx, client := connect(t)
	err := client.HSet(ctx, "go/hash", "field", "value").Err()
	if err == nil || err.Error() != "ERR unknown command 'hset', with args beginning with: 'go/hash' 'field' 'value' " {
		t.Fatalf("an unknown command: %v", err)
	}
	must(t, client.Ping(ctx).Val(), nil, "PONG")
}
