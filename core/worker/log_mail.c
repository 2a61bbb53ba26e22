#include "worker/log_mail.h"
#include "base/log.h"
void log_mail(const struct mail *m, const struct policy *p)
{
	log_write(0, "placeholder %s %s", m->mail_id, m->reply);
}
