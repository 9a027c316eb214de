/* SPDX-License-Identifier: Apache-2.0 */
/*
 * imap: the client's side of IMAP (RFC 3501, RFC 9051) as far as fetching
 * mails by UID and moving them needs it: what a server says, in pieces of any
 * size, and the arguments of commands. Without sockets.
 *
 * A server is believed about mails, never about how much memory it takes: a
 * response with its literals has a cap, and what is nested too deep is no
 * response.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/sbuf.h"
#include "base/status.h"
#include "base/str.h"

#define IMAP_DEPTH_MAX 16	   /* of lists in what we do not look at */
#define IMAP_RESPONSE_EXTRA 65536u /* bytes around a mail */

/* Cuts what comes into responses. Zeroed but for what imap_reader_init sets. */
struct imap_reader {
	struct sbuf text; /* readable: the response so far */
	uint64_t literal; /* bytes of one still to come */
	size_t line;	  /* where the current line begins */
};

/* Of the next response, which may have max bytes and lives in a. */
void imap_reader_init(struct imap_reader *r, struct arena *a, size_t max);

/*
 * Takes from *in what belongs to the response. ST_OK: it is whole, and its
 * last bytes are CR LF. ST_AGAIN: *in is used up. ST_LIMIT: it would be longer
 * than it may. ST_INVALID: no line of IMAP.
 */
enum status imap_reader_take(struct imap_reader *r, struct str *in);

enum imap_kind {
	IMAP_OK, /* tagged: how the command went */
	IMAP_NO,
	IMAP_BAD,
	IMAP_BYE,    /* the server hangs up */
	IMAP_STATUS, /* untagged OK, NO, BAD or PREAUTH */
	IMAP_GO_ON,  /* "+" */
	IMAP_CAPABILITY,
	IMAP_EXISTS,
	IMAP_FETCH,
	IMAP_OTHER,
};

/* What a FETCH tells of a mail; absent is 0. */
struct imap_mail {
	uint32_t uid;
	uint64_t size;		   /* RFC822.SIZE */
	bool deleted;		   /* it has the flag \Deleted */
	struct unix_time received; /* INTERNALDATE */
	bool has_body;
	struct str body; /* BODY[], whole */
};

struct imap_response {
	enum imap_kind kind;
	struct str tag;	 /* of IMAP_OK, IMAP_NO, IMAP_BAD */
	struct str code; /* what is in [brackets]: "UIDVALIDITY 7" */
	struct str text; /* for people; of IMAP_CAPABILITY its words */
	uint32_t number; /* of IMAP_EXISTS: mails; of IMAP_FETCH: which */
	struct imap_mail mail;
};

/*
 * Reads a whole response; all is borrowed from text, or in a. ST_INVALID: it
 * breaks the grammar; ST_LIMIT: no memory.
 */
enum status imap_response_parse(struct arena *a, struct str text,
	struct imap_response *out, struct err *e);

/* Is word among words, which have blanks between? In any case. */
bool imap_has_word(struct str words, struct str word);

/* The number of a code "NAME 7" of that name; 0: it is none. */
uint32_t imap_code_number(struct str code, struct str name);

/*
 * Writes a mailbox's name or another text as a quoted string. ST_INVALID: it
 * has what no quoted string may have: control characters, or 8-bit ones.
 */
enum status imap_quote(struct sbuf *b, struct str text);

/* Writes n UIDs in ascending order as a sequence-set: "2,4:7". */
void imap_set_write(struct sbuf *b, const uint32_t *uids, size_t n);

/* Is it a sequence-set of numbers and ranges, as imap_set_write makes them? */
bool imap_is_set(struct str text);
