/* SPDX-License-Identifier: Apache-2.0 */
/*
 * https_get: HTTPS GETs on the loop, for front roles that fetch from hosts a
 * stranger chose.
 *
 * It connects to the addresses it is given and to nothing else, follows no
 * redirect, knows no proxy, cookie, credential or cache, speaks HTTP/1.1 over
 * TLS 1.2 or newer, asks for no content coding and takes none. The server's
 * certificate must lead to the trust store and have the host as a DNS name in
 * its SAN (RFC 8461 section 3.3). Bytes and time are capped.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"
#include "io/addr.h"
#include "io/loop.h"
#include "io/tls_client.h"

#define HTTPS_GET_PATH_MAX 255

struct https_client;

struct https_client_options {
	const char *ca_file; /* PEM; NULL: the system's bundle */
	const char *user_agent;
};

/*
 * One per loop: what its requests share. The trust store is read once, and
 * again when the file has changed (looked at once a minute at most; a file that
 * cannot be read any more leaves the old one in force). Copies the strings.
 * ST_PERM: ca_file cannot be read, or there is no certificate in it.
 * ST_INVALID: no User-Agent.
 */
enum status https_client_new(struct loop *l,
	const struct https_client_options *o, struct https_client **out,
	struct err *e);
/* Requests must have ended; clears *c; NULL is allowed. */
void https_client_free(struct https_client **c);

struct https_get_request {
	struct str host;	  /* A-labels: URL, Host, SNI and certificate */
	struct str path;	  /* begins with '/' */
	const struct addr *addrs; /* with ports; tried in this order */
	size_t n_addrs;
	int deadline_ms;  /* for the whole */
	int connect_ms;	  /* until the next address is tried */
	size_t max_bytes; /* of the body */
};

enum https_outcome {
	HTTPS_DONE,	  /* there is an answer, whatever its status code */
	HTTPS_NO_ADDRESS, /* n_addrs was 0 */
	HTTPS_CONNECT,	  /* no address let us connect */
	HTTPS_TLS,	  /* the handshake failed, not for the certificate */
	HTTPS_CERT,	  /* the certificate is not acceptable: see cert */
	HTTPS_IO,	  /* the connection broke, or the body was cut short */
	HTTPS_TIME,	  /* deadline_ms have passed */
	HTTPS_TOO_BIG,	  /* a body over max_bytes, or a head over its caps */
	HTTPS_PROTOCOL,	  /* no HTTP/1.1 we take, or a Content-Encoding */
};

struct https_result {
	enum https_outcome outcome;
	struct err why; /* unless DONE: one sentence, with the address */
	enum tls_cert cert;

	/* With DONE. The body is read with status 200 only. */
	int http_status;
	struct str content_type; /* as sent; p == NULL: none */
	struct str body;

	/* Evidence. */
	struct addr from;	    /* the last address tried; len 0: none */
	struct unix_time not_after; /* of the certificate; 0: none was seen */
	struct str issuer;	    /* as text; may be empty */
	int64_t connect_ms, handshake_ms, total_ms;
};

/* The result is borrowed. */
typedef void https_get_fn(void *ctx, const struct https_result *r);

struct https_get;

/*
 * Begins a GET and points *g, which must be NULL, at it; *g is NULL again when
 * fn is called, or after the cancel. Copies the request; *g itself must stay
 * where it is. Never calls back before it returns.
 */
void https_get_start(struct https_get **g, struct https_client *c,
	const struct https_get_request *r, https_get_fn *fn, void *ctx);
/* fn will not be called; clears *g; NULL is allowed. */
void https_get_cancel(struct https_get **g);
