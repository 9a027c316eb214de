/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls13: a TLS 1.3 client (RFC 8446) made for load: X25519 and
 * TLS_AES_128_GCM_SHA256 only, one key share for all connections, no
 * verification of certificates. Each handshake is full and real for the server
 * at about a quarter of an OpenSSL client's cost, so that the server, not the
 * client, is what a benchmark measures. Never use it for anything else.
 *
 * Sans-I/O: bytes in, bytes out.
 */
#pragma once

#include <openssl/sha.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

#define TLS13_RECORD_MAX (16384 + 256 + 5)
#define TLS13_HELLO_MAX 512
#define TLS13_SEALED_EXTRA 22 /* record header, type byte and tag */
#define TLS13_FINISHED_BYTES (36 + TLS13_SEALED_EXTRA)

struct tls13_way {
	unsigned char key[16], iv[12];
	uint64_t seq;
};

enum tls13_state {
	TLS13_WAIT_SERVER_HELLO,
	TLS13_WAIT_FINISHED,
	TLS13_OPEN,
};

struct tls13 {
	enum tls13_state state;
	struct str name;
	SHA256_CTX transcript;
	unsigned char handshake_secret[32], client_traffic[32];
	struct tls13_way in, out;
	unsigned char messages[16384]; /* encrypted handshake messages */
	size_t n_messages, at;
	bool name_seen; /* the server's certificate holds the name */
};

/* Once per process, before any other call. */
void tls13_setup(void);

/*
 * Begins a connection to name (borrowed until it is open) and writes the
 * ClientHello into out; returns its length.
 */
size_t tls13_start(
	struct tls13 *t, struct str name, unsigned char out[TLS13_HELLO_MAX]);

/* The length of the first record in in, or 0 if it is not whole. */
size_t tls13_record(struct str in);

enum tls13_event {
	TLS13_NOTHING, /* go on */
	TLS13_READY,   /* send the n bytes of out, then requests */
	TLS13_DATA,    /* n bytes of application data are in out */
	TLS13_CLOSED,  /* close_notify */
	TLS13_BROKEN,  /* an alert, or no TLS 1.3 that we know */
};

/* Takes one whole record; out has room for TLS13_RECORD_MAX bytes. */
enum tls13_event tls13_take(
	struct tls13 *t, struct str record, unsigned char *out, size_t *n);

/* Application data as one record; out has room for text.n + _SEALED_EXTRA. */
size_t tls13_say(struct tls13 *t, struct str text, unsigned char *out);
