/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edge_own: what the edge_*.c files share and nobody else sees.
 *
 * A connection is a state machine: a phase has a step, a step works until it is
 * done (STEP_ON: look at the phase again) or cannot go on (STEP_WAIT: conn.want
 * says for what). edge_conn.c owns phases, buffers and deadlines; edge_http.c
 * decides what is answered; edge_report.c and edge_forward.c take bodies.
 */
#pragma once

#include "hosting/edge.h"
#include "hosting/edge_certs.h"
#include "io/addr.h"
#include "io/listener.h"
#include "io/spool_writer.h"
#include "io/tls.h"
#include "proto/http_chunked.h"
#include "proto/http_head.h"

#define EDGE_LISTENERS_MAX 64
#define EDGE_REQUESTS_MAX 1000		 /* on one connection */
#define EDGE_TURN_STEPS 64		 /* of one connection before others */
#define EDGE_HOST_BYTES_MAX (256u << 10) /* a host's entry of the view */
#define EDGE_HOST_FRESH_MS 200 /* how long an entry is not looked up again */
#define EDGE_LINGER_MS 2000    /* for the peer to read a refusal */
#define EDGE_LINGER_BYTES (1u << 20)
#define EDGE_DISK_MS 60000
#define EDGE_OUT_KEPT_BYTES 8192 /* a larger output buffer is given back */

enum edge_phase {
	EDGE_HANDSHAKE,
	EDGE_HEAD,
	EDGE_BODY,
	EDGE_SPOOL,
	EDGE_FORWARD,
	EDGE_WRITE,
	EDGE_LINGER,
};

enum edge_step {
	STEP_ON,
	STEP_WAIT,
	STEP_END,
};

struct edge_conn;
struct edge_forward;

/* A body being received. */
struct edge_body {
	char *p;
	size_t n, cap, max;
	enum http_framing framing;
	uint64_t left; /* with HTTP_BODY_LENGTH */
	struct http_chunked chunked;
	/* called once when the body is complete; sets the next phase */
	void (*done)(struct edge_conn *c);
};

struct edge_conn {
	struct edge *edge;
	struct edge_conn *next, *prev;		 /* all connections */
	struct edge_conn *idle_next, *idle_prev; /* idle ones, oldest first */
	bool idle;
	int fd;
	struct addr peer;
	struct tls *tls; /* NULL: plain HTTP */
	struct loop_io io;
	struct loop_timer timer;
	struct loop_task again;
	struct mono deadline, fires; /* fires: when timer will */
	enum edge_phase phase;
	unsigned want;

	char name[TLS_NAME_MAX]; /* whose host is; with TLS the SNI */
	size_t n_name;
	struct arena *arena; /* of host */
	struct view_host host;
	struct mono host_at; /* when host was looked up; ms 0: never */

	char *in; /* HTTP_HEAD_BYTES_MAX bytes, or NULL while idle */
	size_t in_at, in_n, scanned;
	char *out;
	size_t out_at, out_n, out_cap;
	bool keep_alive, linger;
	int minor;
	bool to_head;
	unsigned n_requests;
	size_t lingered;

	struct edge_body body;
	uint64_t charged; /* bytes taken from the quotas */
	char id[SPOOL_ID_MAX];
	size_t n_id;
	char content_type[SPOOL_CONTENT_TYPE_MAX];
	size_t n_content_type;
	struct spool_job *job;
	struct edge_forward *forward;
};

struct edge {
	struct edge_parts parts;
	struct edge_options options;
	struct tls_server *tls;
	struct edge_certs *certs;
	struct gate *gate;
	struct spool_writer *writer;
	struct spool_quota *quota;
	struct listener *listeners[EDGE_LISTENERS_MAX];
	size_t n_listeners;
	struct edge_conn *conns, *idle_first, *idle_last;
	uint64_t body_bytes; /* held by all bodies */
	unsigned n_forwards;
	char date[32]; /* as http_date_write, of date_s */
	size_t n_date;
	int64_t date_s;
};

/* ---- edge_conn.c ---- */

void edge_conn_start(
	struct edge *e, int fd, const struct addr *peer, bool secure);
void edge_conn_free(struct edge_conn *c);

/* Goes on after something outside the connection happened. */
void edge_conn_run(struct edge_conn *c);

/* From now on the phase, with so much time for it. */
void edge_conn_enter(struct edge_conn *c, enum edge_phase phase, int64_t ms);

/* n bytes of room at the end of the output, to be written by the caller. */
char *edge_conn_room(struct edge_conn *c, size_t n);

/* Receives a body of at most max bytes, then calls done. */
void edge_conn_receive(struct edge_conn *c, const struct http_request *r,
	uint64_t max, void (*done)(struct edge_conn *c));
void edge_body_free(struct edge_conn *c);

/* Looks name up in the view for c->host, unless that was just done. */
enum status edge_conn_host(struct edge_conn *c, struct str name);

/* ---- edge_http.c ---- */

/* Answers a complete head or sets the phase that will. */
void edge_http_head(struct edge_conn *c, struct str head);

struct edge_reply {
	int code;
	struct str type;  /* p == NULL: text/plain */
	struct str cache; /* p == NULL: none */
	struct str extra; /* lines with CRLF; p == NULL: none */
	struct str body;
};

/* Queues the answer and goes to EDGE_WRITE. */
void edge_reply(struct edge_conn *c, const struct edge_reply *r);

/* An answer whose body is its status in words. */
void edge_refuse(struct edge_conn *c, int code);

/* As edge_refuse, and the connection ends: its framing is no longer sure. */
void edge_refuse_close(struct edge_conn *c, int code);

/* As edge_refuse, with a Retry-After in seconds. */
void edge_refuse_retry(struct edge_conn *c, int code, int64_t retry_s);

/* ---- edge_report.c, edge_forward.c ---- */

void edge_report_begin(struct edge_conn *c, const struct http_request *r);
void edge_report_abandon(struct edge_conn *c);
void edge_forward_begin(
	struct edge_conn *c, const struct http_request *r, struct str head);
void edge_forward_free(struct edge_conn *c);
