/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lmtp_own: what the two halves of the LMTP server share: lmtp_server.c has the
 * sessions, lmtp_mail.c what becomes of their mails.
 */
#pragma once

#include "intake/lmtp_server.h"
#include "io/addr.h"
#include "proto/lmtp.h"

struct gate;
struct listener;
struct lmtp_session;
struct spool_job;
struct spool_writer;

#define LMTP_IN_BYTES 16384
#define LMTP_SOURCE_MAX 16 /* bytes of an IPv6 address */

/* One accepted recipient of the message. */
struct lmtp_recipient {
	struct lmtp_session *session;
	char id[SPOOL_ID_MAX];
	size_t n_id;
	uint64_t charged; /* bytes taken from the quotas */
	struct spool_job *job;
	int code; /* 0: not known yet */
	const char *text;
};

struct lmtp_body {
	char *p;
	size_t n, cap;
	bool no_memory;
};

struct lmtp_session {
	struct lmtp_server *server;
	struct lmtp_session *next, *prev;
	int fd;
	struct addr peer;
	struct loop_io io;
	struct loop_timer timer;
	struct loop_task again;
	struct mono end; /* of the session, whatever it does */
	struct lmtp lmtp;
	struct lmtp_body body;
	char source[LMTP_SOURCE_MAX]; /* that the quotas count; 0: unknown */
	size_t n_source;
	size_t waiting; /* recipients the disk thread works for */
	size_t n_recipients;
	struct lmtp_recipient recipients[LMTP_RECIPIENTS_MAX];
	size_t in_at, in_n;
	char in[LMTP_IN_BYTES];
};

struct lmtp_server {
	struct lmtp_server_parts parts;
	struct lmtp_server_options options;
	struct gate *gate;
	struct spool_writer *writer;
	struct spool_quota *quota;
	struct listener *listeners[LMTP_LISTENERS_MAX];
	size_t n_listeners;
	struct lmtp_session *sessions;
	uint64_t body_bytes; /* held by all bodies */
};

/* Goes on with a session until it waits for something. */
void lmtp_session_run(struct lmtp_session *c);

/* Judges the recipient at hand, and answers. */
void lmtp_mail_recipient(struct lmtp_session *c);
/* May a message come? Answers. */
void lmtp_mail_message(struct lmtp_session *c);
/* Grows with what really came, not with what was announced. */
void lmtp_mail_content(struct lmtp_session *c, struct str piece);
/* The message is whole. true: answered; false: the disk thread will call, and
 * lmtp_session_run then. */
bool lmtp_mail_end(struct lmtp_session *c);
/* Of a message that was stored, refused, or will not come. */
void lmtp_mail_forget(struct lmtp_session *c);
