/* SPDX-License-Identifier: Apache-2.0 */
/* tls_own: what tls.c and tls_client.c share; nobody else includes it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <openssl/ssl.h>

struct tls_server;

#define TLS_HELD_BYTES 2048 /* a policy of usual size and a close_notify */

struct tls {
	SSL *ssl;
	struct tls_server *server; /* NULL: we are the client */
	void *conn;
	bool acme;
	int fd;
	bool drained; /* the last read took all there was */
	bool holding;
	size_t n_in, max_in; /* bytes from the peer; max_in 0: any */
	size_t n_held;
	unsigned char held[TLS_HELD_BYTES];
};

/* The groups of both sides, X25519 first: it is the fastest. */
#define TLS_GROUPS "X25519:P-256:P-384"

/* How OpenSSL reads and writes the sockets of struct tls. */
BIO_METHOD *tls_socket_method(void);

/* A connection on fd; NULL when memory is used up. */
struct tls *tls_of_context(SSL_CTX *c, BIO_METHOD *socket, int fd);
