av_scanners = { plugin("damaged", "@HERE@/damaged.so") { } }
compatibility_level = 1
