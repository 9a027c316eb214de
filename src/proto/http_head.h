/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_head: heads of HTTP/1.0 and 1.1 messages (RFC 9112), read and written
 * without I/O. It is strict where leniency lets two parsers disagree about
 * where a message ends (request smuggling): bare CR or LF, obs-fold, blanks
 * around a field name, several lengths, a length with a transfer coding are
 * all refused. Nothing is allocated; every str borrows from the head.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/sbuf.h"
#include "base/status.h"
#include "base/str.h"

#define HTTP_HEAD_BYTES_MAX 8192 /* a whole head with its empty line */
#define HTTP_TARGET_BYTES_MAX 2048
#define HTTP_METHOD_BYTES_MAX 16
#define HTTP_FIELDS_MAX 64
#define HTTP_HOST_BYTES_MAX 255
#define HTTP_LENGTH_MAX (UINT64_C(1) << 53)

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_OTHER, /* method_text tells */
};

/* How the end of the body is found (RFC 9112 section 6.3). */
enum http_framing {
	HTTP_BODY_NONE,
	HTTP_BODY_LENGTH,
	HTTP_BODY_CHUNKED,
	HTTP_BODY_TO_CLOSE, /* responses only */
};

struct http_field {
	struct str name, value; /* value without blanks around it */
};

struct http_fields {
	struct http_field items[HTTP_FIELDS_MAX];
	size_t n;
};

/* The value of the first field of that name; p == NULL if there is none. */
struct str http_field_get(const struct http_fields *f, struct str name);

struct http_request {
	enum http_method method;
	struct str method_text;
	struct str target; /* as sent */
	struct str path;   /* begins with '/', or "*"; not decoded */
	struct str query;  /* behind '?'; p == NULL: none */
	struct str host;   /* without port; empty: none given */
	int minor;	   /* 0 or 1: HTTP/1.x */
	enum http_framing framing;
	uint64_t length; /* with HTTP_BODY_LENGTH */
	bool keep_alive;
	bool expect_continue;
	struct http_fields fields;
};

struct http_response {
	int code;
	int minor;
	enum http_framing framing;
	uint64_t length;
	bool keep_alive;
	struct http_fields fields;
};

/*
 * Is the head complete? buf is what has arrived so far, *at where the last call
 * stopped looking (0 first), so that a head sent byte by byte costs no more
 * than one sent at once. ST_OK: the first *n bytes are the head; ST_AGAIN: more
 * is needed; ST_INVALID: a CR or LF stands alone; ST_LIMIT: longer than
 * HTTP_HEAD_BYTES_MAX.
 */
enum status http_head_find(struct str buf, size_t *at, size_t *n);

/*
 * Reads a complete request head. Unless ST_OK, *code is the status to answer
 * with before closing (400, 414, 417, 431, 501, 505) and e says why.
 */
enum status http_request_parse(
	struct str head, struct http_request *out, int *code, struct err *e);

/*
 * Reads a complete response head; to_head: it answers a HEAD request, so there
 * is no body (as with 1xx, 204 and 304). ST_INVALID with the reason in e.
 */
enum status http_response_parse(struct str head, bool to_head,
	struct http_response *out, struct err *e);

/* ---- writing ---- */

/* "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7). */
void http_date_write(struct sbuf *b, struct unix_time t);

/* "Not Found" for 404; "Unknown" for codes we never send. */
const char *http_reason(int code);

/* What a response head says besides its status line. */
struct http_answer {
	int code;
	struct str date;	  /* as http_date_write gives it */
	struct str content_type;  /* p == NULL: none */
	struct str cache_control; /* p == NULL: none */
	struct str extra;	  /* whole lines with CRLF; p == NULL: none */
	uint64_t length;	  /* of the body */
	bool keep_alive;
	int minor; /* of the request: 1.0 has to be told about keep-alive */
};

void http_answer_write(struct sbuf *b, const struct http_answer *a);
