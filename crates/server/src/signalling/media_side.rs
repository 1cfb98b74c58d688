//! The media side of the signalling thread: orders to the workers with the
//! sockets and prompts they need, events back.

use std::collections::HashMap;
use std::time::Instant;

use strowger_media::vocabulary::{MediaCommand, MediaEvent, PlayEnd, PlayId, PortConfig, PortId};
use strowger_switch::config::MediaAddressId;
use strowger_switch::effect::MediaOrder;
use strowger_switch::input::Input;

use crate::media::{MediaLink, PortStock, WorkerOrder};
use crate::prompts::{PlayOrder, Prompts, Reply};

/// Workers, port stocks and prompts.
#[derive(Debug)]
pub struct MediaSide {
    links: Vec<MediaLink>,
    stocks: Vec<PortStock>,
    bound: Vec<(MediaAddressId, u16)>,
    in_use: HashMap<PortId, (MediaAddressId, u16)>,
    prompts: Prompts,
}

impl MediaSide {
    /// `links` by worker, `stocks` by media address, with the ports that are
    /// bound in them already.
    pub fn new(
        links: Vec<MediaLink>,
        stocks: Vec<PortStock>,
        bound: Vec<(MediaAddressId, u16)>,
        prompts: Prompts,
    ) -> Self {
        Self {
            links,
            stocks,
            bound,
            in_use: HashMap::new(),
            prompts,
        }
    }

    /// Tells the switch about the ports bound at the start.
    pub fn announce_all(&mut self, inputs: &mut Vec<Input>) {
        let ready = |(address, port)| Input::PortReady { address, port };
        inputs.extend(self.bound.drain(..).map(ready));
    }

    /// Carries out one order. What it means at once goes into `inputs`.
    pub fn carry_out(&mut self, order: MediaOrder, now: Instant, inputs: &mut Vec<Input>) {
        match order {
            MediaOrder::Open {
                port,
                address,
                rtp_port,
                config,
            } => {
                self.open(port, address, rtp_port, config, inputs);
            }
            MediaOrder::Update { port, config } => {
                self.command(port, MediaCommand::Update { port, config });
            }
            MediaOrder::Play {
                port,
                play,
                urls,
                loops,
            } => {
                self.cancel_waiting(port, inputs);
                let order = PlayOrder { port, play, loops };
                if let Some(prompts) = self.prompts.play(&order, &urls, now) {
                    self.command(
                        port,
                        MediaCommand::Play {
                            port,
                            play,
                            prompts,
                            loops,
                        },
                    );
                }
            }
            MediaOrder::StopPlay { port } => {
                self.cancel_waiting(port, inputs);
                self.command(port, MediaCommand::StopPlay { port });
            }
            MediaOrder::Echo { port, on } => self.command(port, MediaCommand::Echo { port, on }),
            MediaOrder::Close { port } => {
                self.prompts.cancel(port);
                self.command(port, MediaCommand::Close { port });
            }
        }
    }

    /// Takes the prompt library's answer.
    pub fn handle_reply(&mut self, reply: Reply, now: Instant, inputs: &mut Vec<Input>) {
        let Some(loaded) = self.prompts.handle_reply(reply, now) else {
            return;
        };
        let PlayOrder { port, play, loops } = loaded.order;
        match loaded.result {
            Ok(prompts) => self.command(
                port,
                MediaCommand::Play {
                    port,
                    play,
                    prompts,
                    loops,
                },
            ),
            Err(reason) => inputs.push(play_done(port, play, PlayEnd::Failed(reason))),
        }
    }

    /// Takes what the workers report.
    pub fn take_events(&mut self, inputs: &mut Vec<Input>) {
        for link in &mut self.links {
            while let Some(event) = link.pop_event() {
                if let MediaEvent::Closed { port, .. } = &event
                    && let Some((address, number)) = self.in_use.remove(port)
                {
                    self.stocks[usize::from(address.0)].give_back(number);
                }
                inputs.push(Input::Media(event));
            }
        }
    }

    /// Binds ports for those that were taken, and tells the switch.
    pub fn top_up(&mut self, inputs: &mut Vec<Input>) {
        for (index, stock) in self.stocks.iter_mut().enumerate() {
            let address = MediaAddressId(index as u16);
            stock.top_up(|port| inputs.push(Input::PortReady { address, port }));
        }
    }

    /// Hands the orders over to the workers. Returns how many found no room.
    pub fn flush(&mut self) -> usize {
        self.links.iter_mut().map(MediaLink::flush).sum()
    }

    /// Bound socket pairs waiting for a call.
    pub fn stocked(&self) -> usize {
        self.stocks.iter().map(PortStock::len).sum()
    }

    /// Orders waiting for the prompt library.
    pub fn prompts_waiting(&self) -> usize {
        self.prompts.waiting()
    }

    fn open(
        &mut self,
        port: PortId,
        address: MediaAddressId,
        rtp_port: u16,
        config: Box<PortConfig>,
        inputs: &mut Vec<Input>,
    ) {
        let stock = self.stocks.get_mut(usize::from(address.0));
        let Some(sockets) = stock.and_then(|stock| stock.take(rtp_port)) else {
            tracing::warn!(
                rtp_port,
                ?address,
                "no sockets are bound on the port of a call"
            );
            let stats = Box::default();
            inputs.push(Input::Media(MediaEvent::Closed { port, stats }));
            return;
        };
        self.in_use.insert(port, (address, rtp_port));
        if let Some(link) = self.links.get_mut(usize::from(port.worker)) {
            link.push(WorkerOrder::Open {
                port,
                sockets,
                config,
            });
        }
    }

    fn command(&mut self, port: PortId, command: MediaCommand) {
        if let Some(link) = self.links.get_mut(usize::from(port.worker)) {
            link.push(WorkerOrder::Command(command));
        }
    }

    /// An order that still loads ends here: another takes its place.
    fn cancel_waiting(&mut self, port: PortId, inputs: &mut Vec<Input>) {
        if let Some(play) = self.prompts.cancel(port) {
            inputs.push(play_done(port, play, PlayEnd::Stopped));
        }
    }
}

fn play_done(port: PortId, play: PlayId, end: PlayEnd) -> Input {
    Input::Media(MediaEvent::PlayDone { port, play, end })
}
