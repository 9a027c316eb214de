/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_client: one HTTPS request, waited for. For back roles and the command
 * line; never in a front role.
 *
 * It follows no redirect, uses no proxy (whatever the environment says), sends
 * no cookie and no credential, speaks TLS 1.2 or newer, takes names from the
 * SAN only, and reads no more than it was told to.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/status.h"
#include "base/str.h"

struct addr;
struct http_client;

struct http_client_options {
	const char *ca_file; /* trust only these (PEM); NULL: the system's */
	const char *user_agent;
	int timeout_ms;	  /* for the whole request */
	size_t max_bytes; /* of a body */
	bool allow_http;  /* plain http: URLs too */
	/* Asked for every address about to be connected to; NULL: all. */
	bool (*allow_addr)(const struct addr *a);
	/* Asked about once a second; true gives up with ST_TEMP. */
	bool (*stop)(void *ctx);
	void *stop_ctx;
};

/* Copies the strings of o. A client belongs to one thread and keeps
 * connections open between requests. */
struct http_client *http_client_new(const struct http_client_options *o);
void http_client_free(struct http_client **c);

struct http_request {
	const char *method; /* "GET", "HEAD", "POST" */
	const char *url;
	const char *const
		*headers;	/* "Name: value", NULL-terminated; or NULL */
	struct str body;	/* p == NULL: none */
	const char *connect_to; /* "host:port:address:port" in place of DNS */
	bool status_only;	/* a body cut off is as good as a whole one */
};

struct http_header {
	struct str name, value;
};

struct http_response {
	int status;
	struct http_header *headers;
	size_t n_headers;
	struct str body;
};

/*
 * Does the request; the response lives in the arena.
 * ST_OK: there is a response, whatever its status code. ST_INVALID: the URL is
 * not https (or http, where allowed). ST_LIMIT: more than max_bytes, or too
 * many headers. ST_PERM: ca_file cannot be read. ST_TEMP: all else; err names
 * the host and why (no address, refused, certificate, time).
 */
enum status http_client_do(struct http_client *c, struct arena *a,
	const struct http_request *req, struct http_response *out,
	struct err *e);

/* The value of the i-th header of that name (any case); p == NULL: none. */
struct str http_response_header(
	const struct http_response *r, const char *name, size_t i);
