/* SPDX-License-Identifier: Apache-2.0 */
/* dns_view: the view as what dns_answer and dns_xfr read from. */
#pragma once

#include "proto/dns_source.h"
#include "view/view.h"

/* A source over v (borrowed) for the zone at apex (lower case). */
struct dns_source dns_view_source(struct view *v, const struct dns_name *apex);
