-- Your own settings.  This file is read last and is never changed by an upgrade.

