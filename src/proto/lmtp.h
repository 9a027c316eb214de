/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lmtp: the server's side of LMTP (RFC 2033 over the syntax of RFC 5321), bytes
 * in and replies out, without sockets. It offers PIPELINING, 8BITMIME,
 * SMTPUTF8 (RFC 6531), ENHANCEDSTATUSCODES, SIZE, and XFORWARD ADDR, by which
 * Postfix tells from where it has a mail.
 *
 * Commands end in CR LF and nothing else, messages in CR LF "." CR LF and
 * nothing else; a bare CR or LF in a command ends the session, one in a message
 * is a byte of it, and what is pipelined behind a refused DATA ends the session
 * as well. So nobody's message is ever taken for commands (SMTP smuggling).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sbuf.h"
#include "base/str.h"
#include "proto/lmtp_path.h"

#define LMTP_LINE_MAX 2048	/* bytes of a command with its CR LF */
#define LMTP_CLIENT_MAX 64	/* bytes of an address by XFORWARD */
#define LMTP_RECIPIENTS_MAX 100 /* RFC 5321 section 4.5.3.1.8 */
#define LMTP_ERRORS_MAX 20	/* then the session ends */
#define LMTP_REPLY_MAX 280	/* bytes of one reply with its CR LF */
#define LMTP_OUT_MAX ((LMTP_RECIPIENTS_MAX + 8) * LMTP_REPLY_MAX)

/* What lmtp_next wants its caller to do. */
enum lmtp_event {
	LMTP_READ,	/* bring more input */
	LMTP_WRITE,	/* send what lmtp_output has, it is too much to go on */
	LMTP_RECIPIENT, /* judge the recipient: lmtp_answer */
	LMTP_MESSAGE,	/* may a message come now? lmtp_answer, 354 is yes */
	LMTP_CONTENT,	/* keep this piece of the message */
	LMTP_END,	/* it is whole: lmtp_answer once for each recipient */
	LMTP_CLOSE,	/* send what lmtp_output has, then close */
};

enum lmtp_state {
	LMTP_IN_COMMAND,
	LMTP_IN_RECIPIENT, /* the caller is to answer */
	LMTP_IN_MESSAGE,   /* so it is */
	LMTP_IN_CONTENT,
	LMTP_IN_END, /* and again, answers times */
	LMTP_IN_CLOSE,
};

enum lmtp_content {
	LMTP_LINE_START,
	LMTP_LINE_DOT,	  /* its first byte is a dot */
	LMTP_LINE_DOT_CR, /* and then came CR */
	LMTP_LINE_TEXT,
	LMTP_LINE_CR,
};

/* One session; plain memory, opaque but for what is said to be readable. */
struct lmtp {
	struct lmtp_path sender, recipient; /* readable */
	size_t n_recipients;		    /* readable: accepted ones */
	uint64_t n_content; /* readable: bytes of the message so far */
	uint64_t announced; /* readable: SIZE of MAIL; 0: none */
	/* Readable: the address of who gave this mail to our mail server, as
	 * text; empty: it does not say. */
	char client[LMTP_CLIENT_MAX];
	size_t n_client;
	bool too_big; /* readable: the message has more than it may */

	const char *host;
	uint64_t max_bytes;
	enum lmtp_state state;
	enum lmtp_content at;
	bool greeted, in_mail, stop, cr, refused_data;
	bool utf8; /* MAIL said SMTPUTF8 */
	unsigned errors;
	size_t answers; /* to come in LMTP_IN_END */
	size_t n_line, out_at, out_n;
	char line[LMTP_LINE_MAX];
	char out[LMTP_OUT_MAX];
};

/*
 * Begins a session; the greeting is in the output. host (borrowed) is our name;
 * messages may have max_bytes.
 */
void lmtp_init(struct lmtp *l, const char *host, uint64_t max_bytes);

/*
 * Goes on with *in, of which it takes what it uses. With LMTP_CONTENT, *piece
 * is borrowed from *in (or constant). After LMTP_RECIPIENT, LMTP_MESSAGE and
 * LMTP_END the answers must come before the next call. A message that is too
 * big is read to its end; its pieces are no longer told.
 */
enum lmtp_event lmtp_next(struct lmtp *l, struct str *in, struct str *piece);

/*
 * Answers with a code and its text, which begins with the enhanced code of RFC
 * 3463: (250, "2.1.5 taken"). A recipient is accepted with 250, a message with
 * 354.
 */
void lmtp_answer(struct lmtp *l, int code, const char *text);

/* Ends the session with "421 " and text, whatever its state. */
void lmtp_end_session(struct lmtp *l, const char *text);

/* What is to be sent, until it was taken. */
struct str lmtp_output(const struct lmtp *l);
void lmtp_output_took(struct lmtp *l, size_t n);
