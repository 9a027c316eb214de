/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edge_fixture: the edge in this process, with a view made of a table and
 * clients of OpenSSL on the same loop.
 */
#pragma once

#include <netinet/in.h>

#include <openssl/ssl.h>

#include "tests/testing.h"

#include "base/arena.h"
#include "base/log.h"
#include "base/mem.h"
#include "hosting/edge.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define POLICY                                                                 \
	"version: STSv1\r\nmode: testing\r\nmx: mx.a.example\r\n"              \
	"max_age: 86400\r\n"
#define GET(path, host) "GET " path " HTTP/1.1\r\nHost: " host "\r\n\r\n"
#define WELL_KNOWN "/.well-known/mta-sts.txt"
#define TLSRPT "/v1/tlsrpt/abcdefgh23456777"
#define POST_HEAD                                                              \
	"POST " TLSRPT " HTTP/1.1\r\nHost: rua.example\r\n"                    \
	"Content-Type: application/tlsrpt+gzip\r\n"

/* ---- the view ---- */

#define HOSTS 4

struct known {
	const char *name;
	struct view_host host;
};

extern struct known known[HOSTS];
extern bool view_down; /* while it is, nothing can be looked up */

/* ---- the server ---- */

struct fixture {
	char dir[64];
	struct arena *arena;
	struct loop *loop;
	struct crypto_key *seal;
	struct spool *spool;
	struct edge *edge;
	struct sockaddr_in https, http;
	SSL_CTX *client;
};

#define OPTIONS                                                                \
	((struct edge_options){                                                \
		.max_connections = 100,                                        \
		.max_per_address = 50,                                         \
		.cert_cache = 2,                                               \
		.head_ms = 60000,                                              \
		.idle_ms = 60000,                                              \
		.body_ms = 60000,                                              \
		.report_bytes = 10000,                                         \
		.report_memory_bytes = 100000,                                 \
		.per_id = { 20, 100000 },                                      \
		.per_source = { 20, 100000 },                                  \
	})

/* An edge with these options, or with OPTIONS, and a view of HOSTS hosts. */
void start_with(struct fixture *f, struct edge_options options);
void start(struct fixture *f);
void finish(struct fixture *f);

/* Lets the server work for a moment. */
void turn(struct fixture *f);
/* Turns until all that was said must have been heard. */
void settle(struct fixture *f);

/* ---- the client ---- */

struct client {
	struct fixture *f;
	int fd;
	SSL *ssl;
	char got[20000];
	size_t n;
	bool closed;
};

/* To the port for TLS, not yet begun, or to the plain one. */
struct client *dial(struct fixture *f, bool secure);
void hang_up(struct client **c);

/* 0: established; else the number of the alert, or -1. */
int handshake(struct client *c, const char *sni, const char *alpn);
/* With the handshake done. */
struct client *dial_as(struct fixture *f, const char *sni);

void say(struct client *c, struct str text);
/* Reads what is there. */
void hear(struct client *c);
/* How often what is in text. */
size_t times(const char *text, const char *what);
/* Waits for so many answers that begin like this. */
void expect(struct client *c, const char *begin, size_t n);
void expect_closed(struct client *c);
/* One request over TLS; the answer must begin like this. */
void ask(struct fixture *f, const char *host, const char *request,
	const char *answer);
