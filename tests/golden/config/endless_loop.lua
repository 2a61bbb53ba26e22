max_servers = 4
while true do
end
