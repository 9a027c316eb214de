/* SPDX-License-Identifier: Apache-2.0 */
/*
 * socketmap: the lookup protocol of Postfix (socketmap_table(5)) and Sendmail.
 * A request is one netstring, "name key"; a reply is one netstring, a status
 * word, a space and text. Requests may be pipelined; replies keep their order.
 */
#pragma once

#include <stddef.h>

#include "base/sbuf.h"
#include "base/status.h"
#include "base/str.h"
#include "proto/netstring.h"

/* The content of a netstring: Postfix's defaults for what it sends and takes
 * (socketmap_max_query_size, socketmap_max_reply_size). */
#define SOCKETMAP_REQUEST_BYTES_MAX 10000u
#define SOCKETMAP_REPLY_BYTES_MAX 100000u

/* What moat itself replies with never gets as long as a client's limit. */
#define SOCKETMAP_REPLY_WIRE_MAX                                               \
	(SOCKETMAP_REPLY_BYTES_MAX + NETSTRING_EXTRA_MAX)

enum socketmap_status {
	SOCKETMAP_OK,	    /* the text is the value */
	SOCKETMAP_NOTFOUND, /* no such key */
	SOCKETMAP_TEMP,	    /* ask again later: Postfix defers the mail */
	SOCKETMAP_TIMEOUT,  /* as TEMP */
	SOCKETMAP_PERM,	    /* a wrong configuration: Postfix defers too */
};

struct socketmap_request {
	struct str name; /* of the map: a profile */
	struct str key;	 /* anything, also nothing */
};

/*
 * Takes the content of one request apart at its first space. ST_INVALID: there
 * is none.
 */
enum status socketmap_request_parse(
	struct str content, struct socketmap_request *out);

/* Writes a request with the netstring around it. */
void socketmap_request_write(
	struct sbuf *b, const struct socketmap_request *request);

/* The content of a reply, without the netstring. */
void socketmap_reply_write(
	struct sbuf *b, enum socketmap_status status, struct str text);

/* Takes the content of a reply apart. ST_INVALID: none that is known. */
enum status socketmap_reply_parse(
	struct str content, enum socketmap_status *status, struct str *text);
