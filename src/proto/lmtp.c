/* SPDX-License-Identifier: Apache-2.0 */
/* lmtp: one command line, or one run of message bytes, after the other. */
#include <string.h>

#include "proto/lmtp.h"

#include "base/bug.h"
#include "base/num.h"

#include "base/poison.h"

/* Room for whatever one command is answered with. */
#define COMMAND_ROOM (7 * LMTP_REPLY_MAX)

/* RFC 6531 section 3.5 */
#define NEEDS_UTF8 "an address beyond ASCII needs SMTPUTF8 (RFC 6531)"

/* ---- output ---- */

static size_t room(const struct lmtp *l)
{
	return sizeof(l->out) - l->out_n;
}

static void put(struct lmtp *l, int code, char sep, const char *text)
{
	struct sbuf b = sbuf_fixed(l->out + l->out_n, room(l));

	BUG(room(l) < LMTP_REPLY_MAX);
	b.cap = b.max = LMTP_REPLY_MAX - 2;
	sbuf_fmt(&b, "%d%c%s", code, sep, text);
	BUG(!sbuf_ok(&b));
	memcpy(l->out + l->out_n + b.n, "\r\n", 2);
	l->out_n += b.n + 2;
}

static void reply(struct lmtp *l, int code, const char *text)
{
	put(l, code, ' ', text);
}

struct str lmtp_output(const struct lmtp *l)
{
	return (struct str){ l->out + l->out_at, l->out_n - l->out_at };
}

void lmtp_output_took(struct lmtp *l, size_t n)
{
	l->out_at += n;
	BUG(l->out_at > l->out_n);
	if (l->out_at == l->out_n)
		l->out_at = l->out_n = 0;
}

static void hang_up(struct lmtp *l, int code, const char *text)
{
	if (room(l) >= LMTP_REPLY_MAX)
		reply(l, code, text);
	l->state = LMTP_IN_CLOSE;
}

void lmtp_end_session(struct lmtp *l, const char *text)
{
	hang_up(l, 421, text);
}

/* What the client did wrong; too much of it ends the session. */
static void fault(struct lmtp *l, int code, const char *text)
{
	if (++l->errors < LMTP_ERRORS_MAX)
		reply(l, code, text);
	else
		hang_up(l, 421, "4.7.0 too many errors");
}

/* ---- commands ---- */

static void forget(struct lmtp *l)
{
	l->in_mail = false;
	l->sender = l->recipient = (struct lmtp_path){};
	l->n_recipients = 0;
	l->n_content = l->announced = 0;
	l->too_big = l->utf8 = false;
}

/* A mail's end, or what it was told is taken back: also from where it is. */
static void forget_all(struct lmtp *l)
{
	forget(l);
	l->n_client = 0;
}

static void do_lhlo(struct lmtp *l, struct str arg)
{
	char size[32];
	struct sbuf b = sbuf_fixed(size, sizeof(size) - 1);

	if (arg.n == 0) {
		fault(l, 501, "5.5.4 LHLO needs a name (RFC 2033)");
		return;
	}
	forget_all(l);
	l->greeted = true;
	sbuf_fmt(&b, "SIZE %llu", (unsigned long long)l->max_bytes);
	size[b.n] = '\0';
	put(l, 250, '-', l->host);
	put(l, 250, '-', "PIPELINING");
	put(l, 250, '-', "ENHANCEDSTATUSCODES");
	put(l, 250, '-', "8BITMIME");
	put(l, 250, '-', "SMTPUTF8");
	put(l, 250, '-', "XFORWARD ADDR");
	reply(l, 250, size);
}

static void do_helo(struct lmtp *l, struct str arg)
{
	(void)arg;
	fault(l, 500, "5.5.1 this is LMTP: LHLO (RFC 2033)");
}

/* One parameter of MAIL; false: answered. */
static bool mail_parameter(struct lmtp *l, struct str param)
{
	struct str value = param, key = str_cut(&value, '=');

	if (str_eq_nocase(key, STR("SIZE"))) {
		if (num_u64(value, 0, UINT64_MAX, &l->announced) == ST_OK &&
			l->announced <= l->max_bytes)
			return true;
		fault(l, 552, "5.3.4 the message is too big");
		return false;
	}
	if (str_eq_nocase(key, STR("BODY")) &&
		(str_eq_nocase(value, STR("7BIT")) ||
			str_eq_nocase(value, STR("8BITMIME"))))
		return true;
	if (str_eq_nocase(param, STR("SMTPUTF8"))) {
		l->utf8 = true;
		return true;
	}
	fault(l, 555, "5.5.4 a parameter that is not offered");
	return false;
}

static bool mail_parameters(struct lmtp *l, struct str rest)
{
	while (rest.p != NULL) {
		struct str one = str_cut(&rest, ' ');

		if (one.n > 0 && !mail_parameter(l, one))
			return false;
	}
	return true;
}

/* Takes "FROM:" or "TO:" off; false: answered. */
static bool take_word(struct lmtp *l, struct str *arg, struct str word)
{
	if (str_eq_nocase(str_upto(*arg, word.n), word)) {
		*arg = str_from(*arg, word.n);
		return true;
	}
	fault(l, 501, "5.5.4 syntax: MAIL FROM:<...> or RCPT TO:<...>");
	return false;
}

static void do_mail(struct lmtp *l, struct str arg)
{
	struct lmtp_path sender;

	if (!l->greeted || l->in_mail) {
		fault(l, 503,
			l->greeted ? "5.5.1 MAIL was given already"
				   : "5.5.1 LHLO first");
		return;
	}
	if (!take_word(l, &arg, STR("FROM:")))
		return;
	if (!lmtp_path_take(&arg, &sender)) {
		fault(l, 501, "5.1.7 this is no reverse-path");
		return;
	}
	forget(l);
	if (!mail_parameters(l, arg)) {
		forget(l);
		return;
	}
	if (sender.utf8 && !l->utf8) {
		fault(l, 550, "5.6.7 " NEEDS_UTF8);
		return;
	}
	l->sender = sender;
	l->in_mail = true;
	reply(l, 250, "2.1.0 OK");
}

static void do_rcpt(struct lmtp *l, struct str arg)
{
	if (!l->in_mail) {
		fault(l, 503, "5.5.1 MAIL first");
		return;
	}
	if (!take_word(l, &arg, STR("TO:")))
		return;
	if (!lmtp_path_take(&arg, &l->recipient) || l->recipient.n_local == 0)
		fault(l, 501, "5.1.3 this is no forward-path");
	else if (str_trim(arg).n > 0)
		fault(l, 555, "5.5.4 a parameter that is not offered");
	else if (l->recipient.utf8 && !l->utf8)
		fault(l, 553, "5.6.7 " NEEDS_UTF8);
	else if (l->n_recipients == LMTP_RECIPIENTS_MAX)
		reply(l, 452, "4.5.3 too many recipients for one message");
	else
		l->state = LMTP_IN_RECIPIENT;
}

static void do_data(struct lmtp *l, struct str arg)
{
	if (arg.n > 0)
		fault(l, 501, "5.5.4 DATA takes no argument");
	else if (l->n_recipients == 0)
		fault(l, 503, "5.5.1 no recipient was accepted");
	else
		l->state = LMTP_IN_MESSAGE;
	l->refused_data = l->state != LMTP_IN_MESSAGE;
}

static void do_rset(struct lmtp *l, struct str arg)
{
	(void)arg;
	forget_all(l);
	reply(l, 250, "2.0.0 OK");
}

/*
 * Postfix's XFORWARD_README: NAME=VALUE in xtext, of which an address needs
 * nothing.
 */
static void do_xforward(struct lmtp *l, struct str arg)
{
	struct str name, value;

	if (!l->greeted || l->in_mail) {
		fault(l, 503, "5.5.1 XFORWARD comes between LHLO and MAIL");
		return;
	}
	do {
		value = str_cut(&arg, ' ');
		name = str_cut(&value, '=');
		if (!str_eq_nocase(name, STR("ADDR")) ||
			value.n > sizeof(l->client)) {
			fault(l, 501, "5.5.4 XFORWARD ADDR=address");
			return;
		}
	} while (arg.p != NULL);
	l->n_client = str_eq_nocase(value, STR("[UNAVAILABLE]")) ? 0 : value.n;
	if (l->n_client > 0)
		memcpy(l->client, value.p, value.n);
	reply(l, 250, "2.0.0 OK");
}

static void do_noop(struct lmtp *l, struct str arg)
{
	(void)arg;
	reply(l, 250, "2.0.0 OK");
}

static void do_quit(struct lmtp *l, struct str arg)
{
	(void)arg;
	hang_up(l, 221, "2.0.0 bye");
}

static void do_refused(struct lmtp *l, struct str arg)
{
	(void)arg;
	fault(l, 502, "5.5.1 not offered here");
}

/* A browser or proxy led here by somebody's page. */
static void do_foreign(struct lmtp *l, struct str arg)
{
	(void)arg;
	hang_up(l, 421, "4.7.0 this is LMTP");
}

static const struct {
	const char *name;
	void (*fn)(struct lmtp *l, struct str arg);
} commands[] = {
	{ "AUTH", do_refused },
	{ "BDAT", do_refused },
	{ "CONNECT", do_foreign },
	{ "DATA", do_data },
	{ "EHLO", do_helo },
	{ "EXPN", do_refused },
	{ "GET", do_foreign },
	{ "HELO", do_helo },
	{ "HELP", do_refused },
	{ "LHLO", do_lhlo },
	{ "MAIL", do_mail },
	{ "NOOP", do_noop },
	{ "POST", do_foreign },
	{ "PUT", do_foreign },
	{ "QUIT", do_quit },
	{ "RCPT", do_rcpt },
	{ "RSET", do_rset },
	{ "STARTTLS", do_refused },
	{ "VRFY", do_refused },
	{ "XFORWARD", do_xforward },
};

static void do_command(struct lmtp *l, struct str line)
{
	struct str arg = line, name = str_cut(&arg, ' ');

	if (arg.p == NULL)
		arg = STR("");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (str_eq_nocase(name, str_of(commands[i].name))) {
			commands[i].fn(l, str_trim(arg));
			return;
		}
	fault(l, 500, "5.5.2 unknown command");
}

/* ---- lines ---- */

/* Takes bytes of a command line from *in; true: l->line has all of it. */
static bool take_line(struct lmtp *l, struct str *in)
{
	while (in->n > 0) {
		char c = in->p[0];

		*in = str_from(*in, 1);
		if (c == '\n' && l->cr) {
			l->cr = false;
			return true;
		}
		if (c == '\n' || l->cr || c == '\0') {
			hang_up(l, 500, "5.5.2 a line ends in CR LF");
			return false;
		}
		if (c == '\r') {
			l->cr = true;
		} else if (l->n_line + 2 == sizeof(l->line)) {
			hang_up(l, 500, "5.5.2 the line is too long");
			return false;
		} else {
			l->line[l->n_line++] = c;
		}
	}
	return false;
}

/* What the state after a command wants; LMTP_READ: the next command. */
static enum lmtp_event event_of(enum lmtp_state state)
{
	switch (state) {
	case LMTP_IN_RECIPIENT:
		return LMTP_RECIPIENT;
	case LMTP_IN_MESSAGE:
		return LMTP_MESSAGE;
	case LMTP_IN_CLOSE:
		return LMTP_CLOSE;
	case LMTP_IN_COMMAND:
	case LMTP_IN_CONTENT:
	case LMTP_IN_END:
		break;
	}
	return LMTP_READ;
}

static enum lmtp_event command_step(struct lmtp *l, struct str *in)
{
	while (l->state == LMTP_IN_COMMAND && in->n > 0) {
		if (l->refused_data) {
			/* Sent as if it had been granted: no commands. */
			hang_up(l, 421, "4.7.0 pipelined behind refused DATA");
			break;
		}
		if (room(l) < COMMAND_ROOM)
			return LMTP_WRITE;
		if (take_line(l, in)) {
			do_command(l, (struct str){ l->line, l->n_line });
			l->n_line = 0;
		}
	}
	if (in->n == 0)
		l->refused_data = false;
	return event_of(l->state);
}

/* ---- content ---- */

/* The run of bytes up to and with the next CR, or all. */
static size_t run_of(struct lmtp *l, struct str in)
{
	const char *cr = memchr(in.p, '\r', in.n);

	l->at = cr == NULL ? LMTP_LINE_TEXT : LMTP_LINE_CR;
	return cr == NULL ? in.n : (size_t)(cr - in.p) + 1;
}

/*
 * Moves on by one byte or run. *piece is what belongs to the message of it;
 * true: the final dot was seen.
 */
static bool content_take(struct lmtp *l, struct str *in, struct str *piece)
{
	char c = in->p[0];
	size_t n = 1;

	*piece = (struct str){};
	switch (l->at) {
	case LMTP_LINE_START:
		if (c == '.') {
			l->at = LMTP_LINE_DOT;
			break;
		}
		n = run_of(l, *in);
		*piece = str_upto(*in, n);
		break;
	case LMTP_LINE_DOT: /* RFC 5321 section 4.5.2: it was stuffed */
		if (c == '\r') {
			l->at = LMTP_LINE_DOT_CR;
			break;
		}
		n = run_of(l, *in);
		*piece = str_upto(*in, n);
		break;
	case LMTP_LINE_DOT_CR:
		if (c == '\n') {
			*in = str_from(*in, 1);
			return true;
		}
		*piece = STR("\r"); /* the byte after it is looked at next */
		l->at = LMTP_LINE_CR;
		n = 0;
		break;
	case LMTP_LINE_CR:
		if (c == '\n') {
			l->at = LMTP_LINE_START;
			*piece = str_upto(*in, 1);
			break;
		}
		n = run_of(l, *in);
		*piece = str_upto(*in, n);
		break;
	case LMTP_LINE_TEXT:
		n = run_of(l, *in);
		*piece = str_upto(*in, n);
		break;
	}
	*in = str_from(*in, n);
	return false;
}

static enum lmtp_event content_step(
	struct lmtp *l, struct str *in, struct str *piece)
{
	while (in->n > 0) {
		if (content_take(l, in, piece)) {
			l->state = LMTP_IN_END;
			l->answers = l->n_recipients;
			return LMTP_END;
		}
		l->n_content += piece->n;
		l->too_big |= l->n_content > l->max_bytes;
		if (piece->n > 0 && !l->too_big)
			return LMTP_CONTENT;
	}
	return LMTP_READ;
}

/* ---- the session ---- */

void lmtp_init(struct lmtp *l, const char *host, uint64_t max_bytes)
{
	struct sbuf b;
	char text[LMTP_REPLY_MAX];

	*l = (struct lmtp){ .host = host, .max_bytes = max_bytes };
	b = sbuf_fixed(text, sizeof(text) - 1);
	sbuf_fmt(&b, "%s LMTP", host);
	text[b.n] = '\0';
	reply(l, 220, text);
}

enum lmtp_event lmtp_next(struct lmtp *l, struct str *in, struct str *piece)
{
	*piece = (struct str){};
	switch (l->state) {
	case LMTP_IN_COMMAND:
		return command_step(l, in);
	case LMTP_IN_CONTENT:
		/* Whatever it ends in can be answered at once. */
		if (room(l) < l->n_recipients * LMTP_REPLY_MAX)
			return LMTP_WRITE;
		return content_step(l, in, piece);
	case LMTP_IN_CLOSE:
		return LMTP_CLOSE;
	case LMTP_IN_RECIPIENT:
	case LMTP_IN_MESSAGE:
	case LMTP_IN_END:
		break;
	}
	BUG(true); /* an answer is missing */
}

static void answer_message(struct lmtp *l, int code)
{
	l->state = code == 354 ? LMTP_IN_CONTENT : LMTP_IN_COMMAND;
	l->refused_data = code != 354;
	l->at = LMTP_LINE_START;
}

void lmtp_answer(struct lmtp *l, int code, const char *text)
{
	reply(l, code, text);
	switch (l->state) {
	case LMTP_IN_RECIPIENT:
		l->n_recipients += code == 250;
		l->state = LMTP_IN_COMMAND;
		return;
	case LMTP_IN_MESSAGE:
		answer_message(l, code);
		return;
	case LMTP_IN_END:
		if (--l->answers == 0) {
			l->state = LMTP_IN_COMMAND;
			forget_all(l);
		}
		return;
	case LMTP_IN_COMMAND:
	case LMTP_IN_CONTENT:
	case LMTP_IN_CLOSE:
		break;
	}
	BUG(true); /* nothing was asked */
}
