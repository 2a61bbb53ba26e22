final_spam_destiny = D_REJECTT
log_level = { 1 }
include "../nothing-*.lua"
