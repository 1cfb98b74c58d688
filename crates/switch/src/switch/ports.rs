//! Which media port is free, on which worker, and whose it is.

use std::collections::VecDeque;

use strowger_media::vocabulary::PortId;

use crate::call_table::CallId;
use crate::config::MediaAddressId;

/// The bound sockets that wait for a call, and the slots of the media workers.
#[derive(Debug)]
pub(crate) struct Ports {
    ready: Vec<VecDeque<u16>>,
    workers: Vec<WorkerSlots>,
    max_per_worker: u32,
}

/// Why there is no port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoPort {
    /// No bound pair of sockets is left on this address.
    Sockets,
    /// Every worker holds as many ports as it may.
    Workers,
}

#[derive(Debug, Default)]
struct WorkerSlots {
    slots: Vec<Slot>,
    free: VecDeque<u32>,
    used: u32,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    generation: u32,
    owner: Option<CallId>,
}

impl Ports {
    pub(crate) fn new(addresses: usize, workers: u16, max_per_worker: u32) -> Self {
        Self {
            ready: (0..addresses).map(|_| VecDeque::new()).collect(),
            workers: (0..workers).map(|_| WorkerSlots::default()).collect(),
            max_per_worker,
        }
    }

    /// Sockets are bound on `port` of `address`.
    pub(crate) fn add_ready(&mut self, address: MediaAddressId, port: u16) {
        if let Some(ready) = self.ready.get_mut(usize::from(address.0)) {
            ready.push_back(port);
        }
    }

    /// Takes a pair of sockets and a slot on the worker with the fewest ports.
    pub(crate) fn open(
        &mut self,
        address: MediaAddressId,
        owner: CallId,
    ) -> Result<(PortId, u16), NoPort> {
        let ready = self
            .ready
            .get_mut(usize::from(address.0))
            .ok_or(NoPort::Sockets)?;
        if ready.is_empty() {
            return Err(NoPort::Sockets);
        }
        let (worker, slots) = self
            .workers
            .iter_mut()
            .enumerate()
            .min_by_key(|(_, slots)| slots.used)
            .filter(|(_, slots)| slots.used < self.max_per_worker)
            .ok_or(NoPort::Workers)?;
        let rtp_port = ready.pop_front().ok_or(NoPort::Sockets)?;
        let worker = u16::try_from(worker).expect("as many workers as a u16 counts");
        let (slot, generation) = slots.take(owner);
        Ok((
            PortId {
                worker,
                slot,
                generation,
            },
            rtp_port,
        ))
    }

    /// The worker has closed the port: its slot may be given out again.
    pub(crate) fn close(&mut self, port: PortId) {
        if self.owner(port).is_some() {
            self.workers[usize::from(port.worker)].give_back(port.slot);
        }
    }

    /// Whose port this is; `None` once it is closed.
    pub(crate) fn owner(&self, port: PortId) -> Option<CallId> {
        let slot = self
            .workers
            .get(usize::from(port.worker))?
            .slots
            .get(port.slot as usize)?;
        slot.owner.filter(|_| slot.generation == port.generation)
    }

    /// Ports that are open or closing.
    pub(crate) fn in_use(&self) -> u32 {
        self.workers.iter().map(|slots| slots.used).sum()
    }
}

impl WorkerSlots {
    fn take(&mut self, owner: CallId) -> (u32, u32) {
        self.used += 1;
        if let Some(index) = self.free.pop_front() {
            let slot = &mut self.slots[index as usize];
            slot.generation = slot.generation.wrapping_add(1);
            slot.owner = Some(owner);
            return (index, slot.generation);
        }
        let index = u32::try_from(self.slots.len()).expect("bounded by max_ports_per_worker");
        self.slots.push(Slot {
            generation: 0,
            owner: Some(owner),
        });
        (index, 0)
    }

    fn give_back(&mut self, index: u32) {
        self.slots[index as usize].owner = None;
        self.used -= 1;
        self.free.push_back(index);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: MediaAddressId = MediaAddressId(0);

    fn call(n: u64) -> CallId {
        CallId::from_raw(n)
    }

    #[test]
    fn a_port_needs_sockets_and_a_slot() {
        let mut ports = Ports::new(1, 2, 1);
        assert_eq!(ports.open(HERE, call(1)), Err(NoPort::Sockets));
        for port in [4000, 4002, 4004] {
            ports.add_ready(HERE, port);
        }
        let (first, rtp) = ports.open(HERE, call(1)).unwrap();
        assert_eq!((first.worker, rtp), (0, 4000));
        let (second, rtp) = ports.open(HERE, call(2)).unwrap();
        assert_eq!((second.worker, rtp), (1, 4002));
        assert_eq!(ports.open(HERE, call(3)), Err(NoPort::Workers));
        assert_eq!(ports.in_use(), 2);
    }

    #[test]
    fn a_closed_port_is_nobodys_and_its_slot_gets_a_new_generation() {
        let mut ports = Ports::new(1, 1, 8);
        ports.add_ready(HERE, 4000);
        ports.add_ready(HERE, 4002);
        let (old, _) = ports.open(HERE, call(1)).unwrap();
        assert_eq!(ports.owner(old), Some(call(1)));
        ports.close(old);
        ports.close(old);
        assert_eq!((ports.owner(old), ports.in_use()), (None, 0));
        let (new, _) = ports.open(HERE, call(2)).unwrap();
        assert_eq!(new.slot, old.slot);
        assert_ne!(new.generation, old.generation);
        assert_eq!((ports.owner(old), ports.owner(new)), (None, Some(call(2))));
    }

    #[test]
    fn an_unknown_address_or_worker_is_nobodys() {
        let mut ports = Ports::new(1, 1, 8);
        ports.add_ready(MediaAddressId(9), 4000);
        assert_eq!(ports.open(MediaAddressId(9), call(1)), Err(NoPort::Sockets));
        assert_eq!(
            ports.owner(PortId {
                worker: 7,
                slot: 0,
                generation: 0
            }),
            None
        );
        assert_eq!(
            ports.owner(PortId {
                worker: 0,
                slot: 3,
                generation: 0
            }),
            None
        );
    }
}
